/** Finding positions: by time, and what a partition holds. */
import { describe, expect, test } from 'vitest';
import { keyOf, type LogBench, PATIENCE, text } from './bench.ts';

export function positionsContract(bench: LogBench): void {
  describe('positions', () => {
    test('are found by time', async () => {
      const topic = await bench.newTopic({ partitions: 1 });
      await bench.log.produce(topic, [text('k'), text('k')]);
      const [first] = await bench.contents(topic);
      const between = first!.timestamp + 1;
      await expect.poll(() => Date.now(), PATIENCE).toBeGreaterThan(between);
      await bench.log.produce(topic, [text('k'), text('k')]);
      expect(await bench.log.offsetsAt(topic, 0)).toEqual(new Map([[0, 0]]));
      expect(await bench.log.offsetsAt(topic, between + 1)).toEqual(new Map([[0, 2]]));
      expect(await bench.log.offsetsAt(topic, Date.now() + 60_000)).toEqual(new Map([[0, 4]]));
    });

    test('of an empty and of a filled partition are known', async () => {
      const topic = await bench.newTopic({ partitions: 2 });
      await bench.log.produce(topic, [text(keyOf(1, 2)), text(keyOf(1, 2))]);
      expect(await bench.log.watermarks(topic)).toEqual([
        { partition: 0, earliest: 0, end: 0 },
        { partition: 1, earliest: 0, end: 2 },
      ]);
    });
  });
}
