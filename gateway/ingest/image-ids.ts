/**
 * Names the images of a submission.
 *
 * Under a UUIDv7 as idempotency key the names follow from client, transaction, key and place in the request, and keep the
 * key's time: every node names a repeat alike. Under any other key a name is made once and remembered (IdempotencyStore).
 */
import { derivedMessageId, isUuid, newMessageId } from '../../protocol/message-id.ts';

export interface SubmissionName {
  readonly client: string;
  readonly transaction: string;
  readonly idempotencyKey: string | undefined;
}

/** @param now milliseconds since the epoch */
export function imageId(name: SubmissionName, index: number, now: number): string {
  const { client, transaction, idempotencyKey } = name;
  if (idempotencyKey === undefined || !isUuidV7(idempotencyKey)) return newMessageId(now);
  return derivedMessageId(idempotencyKey, 'image', client, transaction, index);
}

function isUuidV7(text: string): boolean {
  return isUuid(text) && text[14] === '7';
}
