/**
 * CRC-32C (Castagnoli), which Kafka puts over every batch of records.
 *
 * Slicing-by-8: M. E. Kounavis and F. L. Berry, "A Systematic Approach to Building High Performance Software-Based CRC
 * Generators" (2005). Node has only the other polynomial (zlib.crc32).
 */

const POLYNOMIAL = 0x82f63b78;
const T = tables();

/** @returns the checksum as an unsigned 32-bit number */
export function crc32c(data: Uint8Array): number {
  let crc = -1;
  let at = 0;
  for (const end = data.length - 7; at < end; at += 8) {
    crc ^= data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
    crc =
      T[1792 + (crc & 0xff)]! ^
      T[1536 + ((crc >>> 8) & 0xff)]! ^
      T[1280 + ((crc >>> 16) & 0xff)]! ^
      T[1024 + (crc >>> 24)]! ^
      T[768 + data[at + 4]!]! ^
      T[512 + data[at + 5]!]! ^
      T[256 + data[at + 6]!]! ^
      T[data[at + 7]!]!;
  }
  for (; at < data.length; at++) crc = T[(crc ^ data[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Eight tables of 256, one after the other: the checksum of a byte that 0 to 7 zero bytes follow. */
function tables(): Int32Array {
  const all = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    all[byte] = crc;
  }
  for (let at = 256; at < all.length; at++) all[at] = (all[at - 256]! >>> 8) ^ all[all[at - 256]! & 0xff]!;
  return all;
}
