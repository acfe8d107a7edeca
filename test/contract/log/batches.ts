/** Handing batches to a handler: one at a time, within limits, again after a throw. */
import { describe, expect, test } from 'vitest';
import { KIB, keyOf, type LogBench, newGroup, PATIENCE, text } from './bench.ts';

export function batchesContract(bench: LogBench): void {
  describe('handling batches', () => {
    test('gives one batch at a time of a partition, within the limits, and nothing more while it is pending', async () => {
      const topic = await bench.newTopic({ partitions: 2 });
      const [slow, quick] = [keyOf(0, 2), keyOf(1, 2)];
      await bench.log.produce(
        topic,
        Array.from({ length: 30 }, () => text(slow)),
      );
      const gates: (() => void)[] = [];
      const sizes: number[] = [];
      let quickOnes = 0;
      const following = await bench.log.follow({
        topic,
        from: new Map([
          [0, 0],
          [1, 0],
        ]),
        maxBatchRecords: 7,
        onBatch: async ({ partition, records, end }) => {
          expect(end).toBeGreaterThan(records.at(-1)!.offset);
          if (partition === 1) {
            quickOnes += records.length;
            return;
          }
          sizes.push(records.length);
          await new Promise<void>((resolve) => gates.push(resolve));
        },
      });
      await expect.poll(() => sizes.length, PATIENCE).toBe(1);
      // The other partition goes its way meanwhile; by the time it has had ten batches, a second slow one would have come.
      for (let n = 1; n <= 10; n++) {
        await bench.log.produce(topic, [text(quick)]);
        await expect.poll(() => quickOnes, PATIENCE).toBe(n);
      }
      expect(sizes).toHaveLength(1);
      for (let n = 0; sizes.reduce((a, b) => a + b, 0) < 30 || n < gates.length; n++) {
        await expect.poll(() => gates.length, PATIENCE).toBeGreaterThan(n);
        gates[n]!();
      }
      expect(Math.max(...sizes)).toBeLessThanOrEqual(7);
      await following.close();
    });

    test('keeps batches within the byte limit, but for a single larger record', async () => {
      const topic = await bench.newTopic({ partitions: 1 });
      const sizes = [10, 10, 300, 10, 90, 20];
      await bench.log.produce(
        topic,
        sizes.map((size) => ({ key: 'k', value: Buffer.alloc(size * KIB) })),
      );
      const batches: number[][] = [];
      const following = await bench.log.follow({
        topic,
        from: new Map([[0, 0]]),
        maxBatchBytes: 100 * KIB,
        onBatch: async ({ records }) => void batches.push(records.map(({ value }) => value!.length / KIB)),
      });
      await expect.poll(() => batches.flat(), PATIENCE).toEqual(sizes);
      await following.close();
      for (const batch of batches) if (batch.length > 1) expect(sum(batch)).toBeLessThanOrEqual(100);
    });

    test('gives the unfinished records again after a throw, and not the finished ones', async () => {
      const topic = await bench.newTopic({ partitions: 1 });
      await bench.log.produce(
        topic,
        Array.from({ length: 10 }, (_, index) => text('k', String(index))),
      );
      const seen: number[][] = [];
      const errors: unknown[] = [];
      const subscription = await bench.log.subscribe({
        group: newGroup(),
        topics: [topic],
        onError: (error) => errors.push(error),
        onBatch: async ({ records, finished }) => {
          seen.push(records.map(({ offset }) => offset));
          if (seen.length > 2) return;
          finished(records[2]!.offset);
          throw new Error(`thrown ${seen.length}`);
        },
      });
      await expect.poll(() => seen.length, PATIENCE).toBeGreaterThanOrEqual(3);
      expect(seen.slice(0, 3).map(([first]) => first)).toEqual([0, 3, 6]);
      expect(errors.map(String).filter((it) => it.includes('thrown'))).toEqual(['Error: thrown 1', 'Error: thrown 2']);
      await subscription.close();
    });

    test('aborts the signal on close and waits for the handler', async () => {
      const topic = await bench.newTopic({ partitions: 1 });
      await bench.log.produce(topic, [text('k', '0'), text('k', '1')]);
      const group = newGroup();
      let settled = false;
      let pending = false;
      const subscription = await bench.log.subscribe({
        group,
        topics: [topic],
        onBatch: async ({ signal, finished }) => {
          finished(0);
          pending = true;
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          await new Promise((resolve) => setTimeout(resolve, 50));
          settled = true;
          throw new Error('left to the next');
        },
      });
      await expect.poll(() => pending, PATIENCE).toBe(true);
      await subscription.close();
      expect(settled).toBe(true);
      await subscription.ended;
      await subscription.close();
      expect((await bench.log.lag(group, topic))[0]).toMatchObject({ committed: 1, lag: 1 });
    });
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
