/**
 * Snappy and LZ4: read where other producers wrote them, never written here.
 *
 * Both libraries allocate what the data asks for, so what it asks for is looked at first: a batch of a few kilobytes
 * must not take the memory of the process.
 */
import { decompressFrame } from 'lz4-napi';
import { uncompress } from 'snappy';

/** Begins the framing of Kafka's Java client; clients on librdkafka send one bare block instead. */
const XERIAL_MAGIC = Buffer.from('\x82SNAPPY\x00', 'latin1');
/** Magic, and two version numbers. */
const XERIAL_HEADER_BYTES = XERIAL_MAGIC.length + 8;

/** @throws {RangeError} it would be larger than `maxBytes`, or its framing is cut short @throws {Error} it is damaged */
export async function decompressSnappy(data: Buffer, maxBytes: number): Promise<Buffer> {
  const blocks = data.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC) ? xerialBlocks(data) : [data];
  expectAtMost(
    blocks.reduce((sum, block) => sum + declaredLength(block), 0),
    maxBytes,
  );
  const parts = await Promise.all(blocks.map((block) => uncompress(block, { asBuffer: true }) as Promise<Buffer>));
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** Blocks with their lengths before them, to the end of the data. */
function xerialBlocks(data: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < data.length; ) {
    const length = data.readUInt32BE(at);
    at += 4;
    if (at + length > data.length) throw new RangeError('a snappy block is cut short');
    blocks.push(data.subarray(at, at + length));
    at += length;
  }
  return blocks;
}

/** A snappy block begins with its uncompressed length as a varint of at most 32 bits. */
function declaredLength(block: Buffer): number {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = block[index];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return length;
  }
  throw new RangeError('a snappy block does not say how long it is');
}

/** @throws {RangeError} it could be larger than `maxBytes`, or its framing is cut short @throws {Error} it is damaged */
export async function decompressLz4(data: Buffer, maxBytes: number): Promise<Buffer> {
  expectAtMost(lz4Limit(data), maxBytes);
  return decompressFrame(data);
}

/** Bits of the flag byte of an LZ4 frame. */
const CONTENT_SIZE = 0x08;
const DICTIONARY = 0x01;
const BLOCK_CHECKSUM = 0x10;
/** Bit of a block's length that says that the block is not compressed. */
const STORED = 0x80000000;

/** The most that a frame can hold: every block but the last may be full. */
function lz4Limit(data: Buffer): number {
  const flags = data.readUInt8(4);
  // 4 is 64 KiB, and each step four times as much.
  const blockBytes = 2 ** (8 + 2 * ((data.readUInt8(5) >> 4) & 7));
  let limit = 0;
  for (let at = 7 + (flags & CONTENT_SIZE ? 8 : 0) + (flags & DICTIONARY ? 4 : 0); ; ) {
    const size = data.readUInt32LE(at);
    if (size === 0) return limit;
    limit += blockBytes;
    at += 4 + (size & ~STORED) + (flags & BLOCK_CHECKSUM ? 4 : 0);
  }
}

function expectAtMost(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) throw new RangeError(`a batch would be ${bytes} bytes, more than ${maxBytes}, uncompressed`);
}
