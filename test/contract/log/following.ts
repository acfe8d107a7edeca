/** Following given partitions from given positions. */
import { describe, expect, test } from 'vitest';
import { OffsetOutOfRangeError } from '../../../protocol/log/errors.ts';
import type { LogRecord } from '../../../protocol/log/log.ts';
import { partitionOf } from '../../../protocol/log/partitioner.ts';
import { type LogBench, offsetsOf, PATIENCE, text } from './bench.ts';

export function followingContract(bench: LogBench): void {
  describe('following', () => {
    test('begins at the given offsets and goes on with what is produced later', async () => {
      const topic = await bench.newTopic({ partitions: 2 });
      const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
      await bench.log.produce(topic, [...keys, ...keys].map(text));
      const ranges = await bench.log.watermarks(topic);
      const read: LogRecord[] = [];
      const from = new Map(ranges.map(({ partition, end }) => [partition, end - 2]));
      const following = await bench.log.follow({
        topic,
        from,
        onBatch: async ({ records }) => void read.push(...records),
      });
      await expect.poll(() => read.length, PATIENCE).toBe(4);
      await bench.log.produce(topic, keys.map(text));
      await expect.poll(() => read.length, PATIENCE).toBe(12);
      for (const { partition, end } of ranges) expect(offsetsOf(read, partition)[0]).toBe(end - 2);
      await following.close();
      await following.ended;
    });

    test('reads only the partitions that it was given', async () => {
      const topic = await bench.newTopic({ partitions: 2 });
      const inOne = ['a', 'b', 'c', 'd', 'e', 'f'].filter((key) => partitionOf(key, 2) === 1);
      await bench.log.produce(topic, ['a', 'b', 'c', 'd', 'e', 'f'].map(text));
      const read: LogRecord[] = [];
      const from = new Map([[1, 0]]);
      const following = await bench.log.follow({
        topic,
        from,
        onBatch: async ({ records }) => void read.push(...records),
      });
      await expect.poll(() => read.map(({ key }) => key), PATIENCE).toEqual(inOne);
      await bench.log.produce(topic, ['a', 'b', 'c', 'd', 'e', 'f'].map(text));
      await expect.poll(() => read.map(({ key }) => key), PATIENCE).toEqual([...inOne, ...inOne]);
      await following.close();
    });

    test('from past the end is an OffsetOutOfRangeError', async () => {
      const topic = await bench.newTopic({ partitions: 1 });
      await bench.log.produce(topic, [text('k')]);
      const onBatch = async () => {};
      await expect(bench.log.follow({ topic, from: new Map([[0, 2]]), onBatch })).rejects.toThrow(
        OffsetOutOfRangeError,
      );
      const atTheEnd = await bench.log.follow({ topic, from: new Map([[0, 1]]), onBatch });
      await atTheEnd.close();
    });
  });
}
