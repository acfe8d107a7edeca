/**
 * Kafka's default partitioner for keyed records: murmur2 of the key's UTF-8 bytes, sign bit cleared, modulo the
 * number of partitions. The embedded log uses it too, so that a client's partition is the same on either log.
 *
 * Algorithm: MurmurHash2 by Austin Appleby (public domain), 32 bit, seed 0x9747b28c, as in Kafka's
 * org.apache.kafka.common.utils.Utils.murmur2.
 */

const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff) % partitions;
}

/** @returns the hash as a signed 32-bit integer, as Java gives it */
export function murmur2(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let hash = SEED ^ data.byteLength;
  let at = 0;
  for (; at + 4 <= data.byteLength; at += 4) {
    let k = Math.imul(view.getInt32(at, true), M);
    k = Math.imul(k ^ (k >>> R), M);
    hash = Math.imul(hash, M) ^ k;
  }
  const rest = data.byteLength - at;
  if (rest === 3) hash ^= view.getUint8(at + 2) << 16;
  if (rest >= 2) hash ^= view.getUint8(at + 1) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ view.getUint8(at), M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}
