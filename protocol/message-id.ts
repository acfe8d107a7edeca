/**
 * Message identifiers: UUIDs whose first 48 bits are the time (ms) of the event that started it all.
 *
 * A random one is a UUIDv7 (RFC 9562). A derived one is a UUIDv8 computed from the id of its cause and what it is,
 * so that doing the same work twice names the result the same, and a consumer can drop the repeat. The time prefix is
 * inherited, which keeps ids of one time close together: the journal uses that to look for duplicates in few places.
 */
import { createHash, randomBytes } from 'node:crypto';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** A UUIDv7. @param time milliseconds since the epoch */
export function newMessageId(time: number, random: Buffer = randomBytes(10)): string {
  return format(time, random, 7);
}

/**
 * The UUIDv8 that follows from `cause` and `parts`, with the time prefix of `cause`.
 *
 * @param cause a UUID, usually the image's
 * @param parts what tells this message from others of the same cause: service, version, type, index
 */
export function derivedMessageId(cause: string, ...parts: readonly (string | number)[]): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([cause, ...parts]))
    .digest();
  return format(timeOf(cause), digest.subarray(0, 10), 8);
}

/** The time prefix of an id, in milliseconds since the epoch. Meaningless for UUIDs made by other rules. */
export function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

function format(time: number, tail: Uint8Array, version: number): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(time, 0, 6);
  bytes.set(tail.subarray(0, 10), 6);
  bytes[6] = (bytes[6]! & 0x0f) | (version << 4);
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
