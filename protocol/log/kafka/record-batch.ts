/**
 * Record batches as Kafka stores and sends them (message format 2), encoded into one buffer and decoded in one pass.
 *
 * Format: https://kafka.apache.org/documentation/#recordbatch
 */

import { crc32c } from '@node-rs/crc32';
import type { ProduceRecord } from '../log.ts';
import { type Compression, compress, decompress } from './compression.ts';
import { encodeRecords } from './record-encoding.ts';

/** Positions in the header of a batch. */
const BASE_OFFSET = 0;
const BATCH_LENGTH = 8;
const MAGIC = 16;
const CRC = 17;
const ATTRIBUTES = 21;
const LAST_OFFSET_DELTA = 23;
const BASE_TIMESTAMP = 27;
const MAX_TIMESTAMP = 35;
const PRODUCER_ID = 43;
const PRODUCER_EPOCH = 51;
const BASE_SEQUENCE = 53;
const RECORD_COUNT = 57;
const HEADER_BYTES = 61;

/** What the length field of a batch does not count. */
const UNCOUNTED_BYTES = 12;
const COMPRESSION_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
/** In a batch that ends a transaction: where its only record says how. All that stands before is one byte each. */
const CONTROL_TYPE = HEADER_BYTES + 7;
const COMMIT = 1;

export interface BatchOptions {
  readonly compression: Compression;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  /** Part of the producer's open transaction. Default false. */
  readonly transactional?: boolean;
}

/** One batch of a set, and what it is in its producer's transaction. */
export interface BatchPart {
  readonly batch: Buffer;
  readonly producerId: bigint;
  readonly part: 'plain' | 'transactional' | 'commit' | 'abort';
}

export interface DecodedRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

export class CorruptBatchError extends Error {
  override readonly name = 'CorruptBatchError';
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

/** An upper bound of what a record adds to its batch, uncompressed. */
export function recordBytes({ key, value, headers }: ProduceRecord): number {
  let bytes = 30 + Buffer.byteLength(key) + (value?.byteLength ?? 0);
  for (const [name, text] of Object.entries(headers ?? NO_HEADERS))
    bytes += 10 + Buffer.byteLength(name) + Buffer.byteLength(text);
  return bytes;
}

/** @param records at least one */
export async function encodeBatch(records: readonly ProduceRecord[], options: BatchOptions): Promise<Buffer> {
  const plain = encodeRecords(records, HEADER_BYTES);
  const { code, data } = await compress(plain.subarray(HEADER_BYTES), options.compression);
  const batch = code === 0 ? plain : Buffer.concat([plain.subarray(0, HEADER_BYTES), data]);
  const timestamp = BigInt(options.timestamp);
  batch.writeBigInt64BE(0n, BASE_OFFSET);
  batch.writeInt32BE(batch.length - UNCOUNTED_BYTES, BATCH_LENGTH);
  batch.writeInt32BE(-1, BATCH_LENGTH + 4); // partition leader epoch: the broker's to fill in
  batch.writeInt8(2, MAGIC);
  batch.writeInt16BE(options.transactional === true ? code | TRANSACTIONAL : code, ATTRIBUTES);
  batch.writeInt32BE(records.length - 1, LAST_OFFSET_DELTA);
  batch.writeBigInt64BE(timestamp, BASE_TIMESTAMP);
  batch.writeBigInt64BE(timestamp, MAX_TIMESTAMP);
  batch.writeBigInt64BE(options.producerId, PRODUCER_ID);
  batch.writeInt16BE(options.producerEpoch, PRODUCER_EPOCH);
  batch.writeInt32BE(options.baseSequence, BASE_SEQUENCE);
  batch.writeInt32BE(records.length, RECORD_COUNT);
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES)), CRC);
  return batch;
}

/** The whole batches of a fetched record set, for readers of topics that are written in transactions. */
export function* batchParts(set: Buffer): Generator<BatchPart> {
  for (let at = 0; at + HEADER_BYTES <= set.length; ) {
    const end = at + UNCOUNTED_BYTES + set.readInt32BE(at + BATCH_LENGTH);
    if (end > set.length) return;
    const batch = set.subarray(at, end);
    at = end;
    yield { batch, producerId: batch.readBigInt64BE(PRODUCER_ID), part: partOf(batch) };
  }
}

function partOf(batch: Buffer): BatchPart['part'] {
  const attributes = batch.readInt16BE(ATTRIBUTES);
  if ((attributes & CONTROL) === 0) return (attributes & TRANSACTIONAL) === 0 ? 'plain' : 'transactional';
  // A batch that compaction has emptied ends nothing any more that is still there.
  if (batch.readInt32BE(RECORD_COUNT) === 0) return 'commit';
  return batch.readInt16BE(CONTROL_TYPE) === COMMIT ? 'commit' : 'abort';
}

/**
 * Decodes the batches of a fetched record set from offset `from` on; a last one that was cut off is left out.
 *
 * @returns the records, and the offset that follows the last whole batch: it moves on even where compaction has left a batch empty
 * @throws {CorruptBatchError}
 */
export async function decodeBatches(set: Buffer, from: number): Promise<{ records: DecodedRecord[]; next: number }> {
  const records: DecodedRecord[] = [];
  let next = from;
  for (let at = 0; at + HEADER_BYTES <= set.length; ) {
    const end = at + UNCOUNTED_BYTES + set.readInt32BE(at + BATCH_LENGTH);
    if (end > set.length) break;
    const batch = set.subarray(at, end);
    at = end;
    if (batch.readInt8(MAGIC) !== 2) throw new CorruptBatchError(`a batch of format ${batch.readInt8(MAGIC)}, not 2`);
    if (crc32c(batch.subarray(ATTRIBUTES)) !== batch.readUInt32BE(CRC))
      throw new CorruptBatchError(`the checksum of the batch at offset ${batch.readBigInt64BE(BASE_OFFSET)} is wrong`);
    next = Math.max(next, Number(batch.readBigInt64BE(BASE_OFFSET)) + batch.readInt32BE(LAST_OFFSET_DELTA) + 1);
    const attributes = batch.readInt16BE(ATTRIBUTES);
    if ((attributes & CONTROL) === 0)
      decodeRecords(
        batch,
        await decompress(batch.subarray(HEADER_BYTES), attributes & COMPRESSION_MASK),
        from,
        records,
      );
  }
  return { records, next };
}

function decodeRecords(batch: Buffer, data: Buffer, from: number, into: DecodedRecord[]): void {
  const baseOffset = Number(batch.readBigInt64BE(BASE_OFFSET));
  const appendTime = (batch.readInt16BE(ATTRIBUTES) & LOG_APPEND_TIME) !== 0;
  const baseTimestamp = Number(batch.readBigInt64BE(appendTime ? MAX_TIMESTAMP : BASE_TIMESTAMP));
  let at = 0;
  // Numbers here go up to 64 bits (a difference of timestamps); plain arithmetic is exact to 53.
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = data[at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  };
  const bytes = () => {
    const length = varint();
    if (length < 0) return null;
    at += length;
    return data.subarray(at - length, at);
  };
  const text = () => {
    const length = varint();
    if (length <= 0) return '';
    at += length;
    return data.toString('utf8', at - length, at);
  };
  for (let count = batch.readInt32BE(RECORD_COUNT); count > 0; count--) {
    const length = varint();
    const end = at + length;
    at++; // attributes
    const timestampDelta = varint();
    const offset = baseOffset + varint();
    if (offset >= from) {
      const key = text();
      const value = bytes();
      let headers = NO_HEADERS;
      const headerCount = varint();
      if (headerCount > 0) {
        const entries = Array.from({ length: headerCount }, () => [text(), text()]);
        headers = Object.fromEntries(entries);
      }
      const timestamp = appendTime ? baseTimestamp : baseTimestamp + timestampDelta;
      into.push({ offset, timestamp, key, value, headers });
    }
    at = end;
  }
}
