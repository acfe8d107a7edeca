/** Processes that die or freeze: what they leave to others. */
import { describe, expect, test } from 'vitest';
import type { LogRecord, TopicPartition } from '../../../protocol/log/log.ts';
import { LogProcess } from '../log-process.ts';
import { keyOf, type LogBench, newGroup, PATIENCE, text } from './bench.ts';

export function processesContract(bench: LogBench): void {
  describe('processes', () => {
    test('a producer that is killed has lost nothing that was acknowledged to it', async () => {
      const topic = await bench.newTopic({ partitions: 2 });
      await using producer = new LogProcess(await bench.settings(), 'produce', topic);
      await expect.poll(() => producer.lines.length, PATIENCE).toBeGreaterThan(30);
      await producer.kill();
      const acknowledged = producer.lines.map((line) => line.acknowledged!);
      const read = await bench.contents(topic);
      for (const key of ['1', '2', '3']) {
        const values = read.filter((record) => record.key === key).map(({ value }) => Number(value));
        // One call of each key may have been on its way, appended but not acknowledged.
        expect(values.slice(0, acknowledged.length)).toEqual(acknowledged);
        expect(values.length).toBeLessThanOrEqual(acknowledged.length + 1);
      }
    });

    test('a consumer that is killed loses its partitions, and what it had not finished comes again', async () => {
      const topic = await bench.newTopic({ partitions: 2 });
      const group = newGroup();
      await bench.log.produce(
        topic,
        Array.from({ length: 10 }, (_, n) => text(keyOf(n % 2, 2))),
      );
      // It may be asked to share with the other member before it is killed: then it must not finish what it holds.
      await using consumer = new LogProcess(await bench.settings(), 'consume', group, topic, 'leave');
      await expect.poll(() => consumer.lines.filter((line) => line.offset === 4).length, PATIENCE).toBe(2);
      await expect
        .poll(async () => (await bench.log.lag(group, topic)).map(({ lag }) => lag), PATIENCE)
        .toEqual([1, 1]);
      const read: TopicPartition[] = [];
      const member = await bench.log.subscribe({
        group,
        topics: [topic],
        onBatch: async ({ records }) => void read.push(...records),
      });
      await consumer.kill();
      await expect.poll(() => new Set(read.map(({ partition }) => partition)).size, PATIENCE).toBe(2);
      expect(read).toHaveLength(2);
      await member.close();
    });

    test('a consumer that was stopped for too long can no longer move the position of what it lost', async () => {
      const topic = await bench.newTopic({ partitions: 1 });
      const group = newGroup();
      await bench.log.produce(topic, [text('k', '0'), text('k', '1')]);
      await using zombie = new LogProcess(await bench.settings(), 'consume', group, topic, 'hold');
      await expect.poll(() => zombie.lines.some((line) => line.offset === 1), PATIENCE).toBe(true);
      zombie.signal('SIGSTOP');
      const read: LogRecord[] = [];
      let release = () => {};
      const member = await bench.log.subscribe({
        group,
        topics: [topic],
        onBatch: async ({ records, signal }) => {
          read.push(...records);
          await new Promise<void>((resolve) => {
            release = resolve;
            signal.addEventListener('abort', () => resolve());
          });
        },
      });
      await expect.poll(() => read.length, PATIENCE).toBeGreaterThan(0);
      zombie.signal('SIGCONT');
      // It learns that it was put out, aborts its handler, which then says that record 1 is finished: too late.
      await expect.poll(() => zombie.lines.some((line) => line.aborted === 0), PATIENCE).toBe(true);
      expect((await bench.log.lag(group, topic))[0]!.committed ?? 0).toBeLessThanOrEqual(1);
      await zombie.kill();
      release();
      await expect.poll(async () => (await bench.log.lag(group, topic))[0]!.lag, PATIENCE).toBe(0);
      await member.close();
    });
  });
}
