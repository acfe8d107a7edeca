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
