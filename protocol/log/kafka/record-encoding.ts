/**
 * The records of a batch as Kafka stores and sends them (message format 2), each behind the number of its bytes.
 *
 * How long everything will be is computed first, so that an image is copied once: to where it is sent from.
 */
import type { ProduceRecord } from '../log.ts';

/** @returns the records behind `room` bytes that are left for the header of their batch */
export function encodeRecords(records: readonly ProduceRecord[], room: number): Buffer {
  const lengths = records.map(recordLength);
  const out = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + varintLength(length) + length, room));
  let at = room;
  const varint = (value: number) => {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    while (rest > 0x7f) {
      out[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    out[at++] = rest;
  };
  const text = (value: string) => {
    varint(Buffer.byteLength(value));
    at += out.write(value, at);
  };
  for (const [index, { key, value, headers = {} }] of records.entries()) {
    varint(lengths[index]!);
    out[at++] = 0; // attributes
    out[at++] = 0; // difference to the batch's timestamp
    varint(index);
    text(key);
    if (value === null) varint(-1);
    else {
      varint(value.byteLength);
      out.set(value, at);
      at += value.byteLength;
    }
    const entries = Object.entries(headers);
    varint(entries.length);
    for (const [name, content] of entries) {
      text(name);
      text(content);
    }
  }
  return out;
}

/** Bytes of a record behind the number that says how many they are. */
function recordLength({ key, value, headers = {} }: ProduceRecord, index: number): number {
  const entries = Object.entries(headers);
  const valueBytes = value?.byteLength ?? 0;
  let length = 2 + varintLength(index) + textLength(key) + varintLength(entries.length);
  length += varintLength(value === null ? -1 : valueBytes) + valueBytes;
  for (const [name, content] of entries) length += textLength(name) + textLength(content);
  return length;
}

function textLength(text: string): number {
  const bytes = Buffer.byteLength(text);
  return varintLength(bytes) + bytes;
}

/** @param value up to 31 bits and its sign */
function varintLength(value: number): number {
  const bits = 32 - Math.clz32((value << 1) ^ (value >> 31));
  return Math.max(1, Math.ceil(bits / 7));
}
