/**
 * Names the images of a submission.
 *
 * Under an idempotency key the names follow from client, transaction, key, place in the request and content, so every gateway
 * names a repeat alike, and other content is never taken for it. Their time, by which journals look for repeats, is that of
 * the key where it is a UUIDv7, and else the day on which the submission came: names that carried no time would make every
 * journal look through all of its volumes for each message.
 */
import { derivedMessageId, isUuid, newMessageId } from '../../protocol/message-id.ts';

export interface SubmissionName {
  readonly client: string;
  readonly transaction: string;
  readonly idempotencyKey: string | undefined;
}

const DAY_MS = 86_400_000;
const NOT_RANDOM = Buffer.alloc(10);

/** @param sha256 of the encoded image @param now milliseconds since the epoch */
export function imageId(name: SubmissionName, index: number, sha256: Buffer, now: number): string {
  const { client, transaction, idempotencyKey } = name;
  if (idempotencyKey === undefined) return newMessageId(now);
  const cause = isUuidV7(idempotencyKey) ? idempotencyKey : newMessageId(now - (now % DAY_MS), NOT_RANDOM);
  return derivedMessageId(cause, 'image', client, transaction, idempotencyKey, index, sha256.toString('hex'));
}

function isUuidV7(text: string): boolean {
  return isUuid(text) && text[14] === '7';
}
