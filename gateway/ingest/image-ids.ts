/**
 * Names the images of a submission.
 *
 * Under an idempotency key the names follow from client, transaction, key and place in the request, so that a repeat of the
 * same submission names the same images, and whatever it causes is recognised as a repeat.
 */
import { createHash } from 'node:crypto';
import { derivedMessageId, isUuid, newMessageId } from '../../protocol/message-id.ts';

export interface SubmissionName {
  readonly client: string;
  readonly transaction: string;
  readonly idempotencyKey: string | undefined;
}

/** @param now milliseconds since the epoch */
export function imageId(name: SubmissionName, index: number, now: number): string {
  const { client, transaction, idempotencyKey } = name;
  if (idempotencyKey === undefined) return newMessageId(now);
  return derivedMessageId(causeOf(idempotencyKey), 'image', client, transaction, index);
}

/** A UUIDv7 keeps its time; any other key gets a UUID of its own without one. */
function causeOf(key: string): string {
  if (isUuid(key) && key[14] === '7') return key;
  return newMessageId(0, createHash('sha256').update(key).digest().subarray(0, 10));
}
