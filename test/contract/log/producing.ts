/** Producing: what is acknowledged, in which order, and what is refused. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecordTooLargeError } from '../../../protocol/log/errors.ts';
import type { ProduceRecord } from '../../../protocol/log/log.ts';
import { partitionOf } from '../../../protocol/log/partitioner.ts';
import { expectGrowing, KIB, type LogBench, offsetsOf, text } from './bench.ts';

export function producingContract(bench: LogBench): void {
  describe('producing', () => {
    test('acknowledges each record with the partition of its key and an offset that grows', async () => {
      const topic = await bench.newTopic({ partitions: 5 });
      const keys = Array.from({ length: 40 }, (_, index) => `client-${index % 10}`);
      const produced = await bench.log.produce(topic, keys.map(text));
      expect(produced.map(({ partition }) => partition)).toEqual(keys.map((key) => partitionOf(key, 5)));
      for (const ofPartition of Map.groupBy(produced, ({ partition }) => partition).values())
        expectGrowing(ofPartition.map(({ offset }) => offset));
      const [again] = await bench.log.produce(topic, [text('client-0')]);
      expect(again!.offset).toBeGreaterThan(Math.max(...offsetsOf(produced, partitionOf('client-0', 5))));
    });

    test('keeps key, value, headers and time as they were given', async () => {
      const topic = await bench.newTopic({ partitions: 1 });
      const before = Date.now();
      const records: ProduceRecord[] = [
        { key: 'naïve 🐘', value: Buffer.from([0, 255, 10, 13]), headers: { 'content-type': 'é', empty: '' } },
        { key: 'no-value', value: null },
        { key: 'empty-value', value: Buffer.alloc(0) },
        { key: 'view', value: new Uint8Array(Buffer.from('..inside..').buffer.slice(0)).subarray(0, 3) },
      ];
      const produced = await bench.log.produce(topic, records);
      const read = await bench.contents(topic);
      expect(read.map(({ key }) => key)).toEqual(records.map(({ key }) => key));
      expect(read.map(({ value }) => value)).toEqual(
        records.map(({ value }) => (value === null ? null : Buffer.from(value))),
      );
      expect(read[0]!.headers).toEqual({ 'content-type': 'é', empty: '' });
      expect(read[1]!.headers).toEqual({});
      expect(read.map(({ offset }) => offset)).toEqual(produced.map(({ offset }) => offset));
      for (const { timestamp } of read) {
        expect(timestamp).toBeGreaterThanOrEqual(before);
        expect(timestamp).toBeLessThanOrEqual(Date.now());
      }
    });

    test('keeps the order of calls that were not awaited', async () => {
      const topic = await bench.newTopic({ partitions: 1 });
      const values = Array.from({ length: 200 }, (_, index) => String(index));
      await Promise.all(values.map((value) => bench.log.produce(topic, [text('one', value)])));
      expect((await bench.contents(topic)).map(({ value }) => String(value))).toEqual(values);
    });

    test('whatever was produced is read back, in order within each partition', async () => {
      const record = fc.record({
        key: fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
        value: fc.option(fc.uint8Array({ maxLength: 64 }), { nil: null }),
      });
      const calls = fc.array(fc.array(record, { maxLength: 6 }), { maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(calls, async (batches) => {
          const topic = await bench.newTopic({ partitions: 3 });
          for (const batch of batches) await bench.log.produce(topic, batch);
          const read = await bench.contents(topic);
          for (const partition of [0, 1, 2])
            expect(read.filter((it) => it.partition === partition).map(plain)).toEqual(
              batches
                .flat()
                .filter(({ key }) => partitionOf(key, 3) === partition)
                .map(plain),
            );
        }),
        { numRuns: 8 },
      );
    });

    test('takes a value of exactly the topic’s limit and refuses a larger one with all that came with it', async () => {
      const limit = 2 * KIB * KIB;
      const topic = await bench.newTopic({ partitions: 1, maxMessageBytes: limit });
      const noise = Buffer.from(Array.from({ length: limit }, (_, index) => (index * 2654435761) >>> 13));
      await bench.log.produce(topic, [{ key: 'k', value: noise }]);
      const tooLarge = Buffer.alloc(limit + 1);
      await expect(bench.log.produce(topic, [text('k'), { key: 'k', value: tooLarge }])).rejects.toThrow(
        RecordTooLargeError,
      );
      const read = await bench.contents(topic);
      expect(read).toHaveLength(1);
      expect(read[0]!.value!.equals(noise)).toBe(true);
    });

    test('many large records in one call arrive whole', async () => {
      const topic = await bench.newTopic({ partitions: 2, maxMessageBytes: 1100 * KIB });
      const records = Array.from({ length: 12 }, (_, n) => ({ key: `k${n}`, value: Buffer.alloc(KIB * KIB, n) }));
      await bench.log.produce(topic, records);
      const read = await bench.contents(topic);
      expect(read).toHaveLength(12);
      for (const { key, value } of read) expect(value!.equals(records[Number(key.slice(1))]!.value)).toBe(true);
    });

    test('of nothing appends nothing', async () => {
      expect(await bench.log.produce(await bench.newTopic(), [])).toEqual([]);
    });
  });
}

function plain({ key, value }: ProduceRecord): [string, string | null] {
  return [key, value === null ? null : Buffer.from(value).toString('hex')];
}
