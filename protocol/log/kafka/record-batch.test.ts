import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ProduceRecord } from '../log.ts';
import { COMPRESSIONS } from './compression.ts';
import { CorruptBatchError, decodeBatches, encodeBatch } from './record-batch.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 200 });
const record: fc.Arbitrary<ProduceRecord> = fc.record({
  key: text,
  value: fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null }),
  headers: fc.dictionary(text, text, { maxKeys: 3 }),
});
const options = {
  compression: 'none',
  producerId: 7n,
  producerEpoch: 1,
  baseSequence: 3,
  timestamp: 1_700_000_000_123,
} as const;

test('whatever is encoded is decoded again, with every compression', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { minLength: 1, maxLength: 20 }),
      fc.constantFrom(...COMPRESSIONS),
      async (records, compression) => {
        const batch = await encodeBatch(records, { ...options, compression });
        const decoded = await decodeBatches(batch, 0);
        expect(decoded.next).toBe(records.length);
        expect(decoded.records).toEqual(
          records.map(({ key, value, headers }, offset) => ({
            offset,
            timestamp: options.timestamp,
            key,
            value: value === null ? null : Buffer.from(value),
            headers: { ...headers },
          })),
        );
      },
    ),
  );
});

test('a number that is as large as its bytes can hold, and the next one, are both written where they belong', async () => {
  const edges = [63, 64, 8191, 8192, 1_048_575, 1_048_576].map((bytes) => ({
    key: 'k',
    value: Buffer.alloc(bytes, 1),
  }));
  const many = Array.from({ length: 8200 }, (_, n) => ({ key: `${n}`, value: null }));
  const records = [...edges, ...many];
  const { records: decoded } = await decodeBatches(await encodeBatch(records, options), 0);
  expect(decoded.map(({ key, value }) => [key, value?.length])).toEqual(
    records.map(({ key, value }) => [key, value?.length]),
  );
});

test('decoding begins at the wanted offset, and leaves out a batch that was cut off', async () => {
  const records = ['a', 'b', 'c'].map((key) => ({ key, value: null }));
  const first = await encodeBatch(records, options);
  const second = await encodeBatch(records, options);
  second.writeBigInt64BE(3n, 0);
  const whole = await decodeBatches(Buffer.concat([first, second]), 1);
  expect(whole.records.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5]);
  expect(whole.next).toBe(6);
  const cut = await decodeBatches(Buffer.concat([first, second]).subarray(0, -1), 1);
  expect(cut.records.map(({ offset }) => offset)).toEqual([1, 2]);
  expect(cut.next).toBe(3);
});

test('a changed byte is a CorruptBatchError', async () => {
  const batch = await encodeBatch([{ key: 'k', value: Buffer.from('value') }], options);
  batch[batch.length - 2]! ^= 1;
  await expect(decodeBatches(batch, 0)).rejects.toThrow(CorruptBatchError);
});
