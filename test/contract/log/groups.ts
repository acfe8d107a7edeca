/** Consumer groups: shared partitions, stored positions, handing over. */
import { describe, expect, test } from 'vitest';
import { GroupActiveError, OffsetOutOfRangeError } from '../../../protocol/log/errors.ts';
import type { Batch, LogRecord, TopicPartition } from '../../../protocol/log/log.ts';
import { keyOf, type LogBench, newGroup, offsetsOf, PATIENCE, text } from './bench.ts';

export function groupsContract(bench: LogBench): void {
  describe('groups', () => {
    test('resume where they left off, and lag says how far that is', async () => {
      const topic = await bench.newTopic({ partitions: 1 });
      const group = newGroup();
      await bench.log.produce(
        topic,
        ['0', '1', '2'].map((value) => text('k', value)),
      );
      expect(await bench.log.lag(group, topic)).toEqual([
        { partition: 0, earliest: 0, end: 3, committed: undefined, lag: 3 },
      ]);
      for (const expected of [
        ['0', '1', '2'],
        ['3', '4'],
      ]) {
        const member = await bench.open();
        const read: string[] = [];
        await member.subscribe({
          group,
          topics: [topic],
          onBatch: async ({ records }) => void read.push(...records.map(({ value }) => String(value))),
        });
        await expect.poll(() => read, PATIENCE).toEqual(expected);
        await expect.poll(async () => (await bench.log.lag(group, topic))[0]!.lag, PATIENCE).toBe(0);
        await member.close();
        await bench.log.produce(
          topic,
          ['3', '4'].map((value) => text('k', value)),
        );
        expect((await bench.log.lag(group, topic))[0]!.lag).toBe(2);
        if (expected[0] === '3') expect(read).toEqual(['3', '4']);
      }
    });

    test('begin at the end if told so, and stay there', async () => {
      const topic = await bench.newTopic({ partitions: 2 });
      const group = newGroup();
      await bench.log.produce(topic, ['a', 'b', 'c', 'd'].map(text));
      const read: string[] = [];
      const options = {
        group,
        topics: [topic],
        startAt: 'latest' as const,
        onBatch: async ({ records }: Batch) => void read.push(...records.map(({ key }) => key)),
      };
      const first = await bench.log.subscribe(options);
      await bench.log.produce(topic, ['e', 'f', 'g', 'h'].map(text));
      await expect.poll(() => read.toSorted(), PATIENCE).toEqual(['e', 'f', 'g', 'h']);
      await first.close();
      await bench.log.produce(topic, ['i'].map(text));
      const second = await bench.log.subscribe(options);
      await expect.poll(() => read.toSorted(), PATIENCE).toEqual(['e', 'f', 'g', 'h', 'i']);
      await second.close();
    });

    test('share partitions: each has one owner, and all are taken over when a member leaves', async () => {
      const topic = await bench.newTopic({ partitions: 4 });
      const group = newGroup();
      const other = await bench.open();
      const owners = new Ownership();
      const member = (name: string) => ({ group, topics: [topic], onBatch: async () => {}, ...owners.track(name) });
      const one = await bench.log.subscribe(member('one'));
      await expect.poll(() => owners.of('one'), PATIENCE).toEqual([0, 1, 2, 3]);
      const two = await other.subscribe(member('two'));
      await expect.poll(() => [owners.of('one').length, owners.of('two').length], PATIENCE).toEqual([2, 2]);
      await one.close();
      expect(owners.of('one')).toEqual([]);
      await expect.poll(() => owners.of('two'), PATIENCE).toEqual([0, 1, 2, 3]);
      await two.close();
      await other.close();
      expect(owners.conflicts).toEqual([]);
    });

    test('hand a partition over when its pending handler has settled, not before', async () => {
      const topic = await bench.newTopic({ partitions: 2 });
      const group = newGroup();
      await bench.log.produce(topic, [text(keyOf(0, 2)), text(keyOf(1, 2))]);
      const other = await bench.open();
      const pending = new Set<number>();
      const overlaps: number[] = [];
      const taken: number[] = [];
      const one = await bench.log.subscribe({
        group,
        topics: [topic],
        onBatch: async ({ partition, signal }) => {
          pending.add(partition);
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          await new Promise((resolve) => setTimeout(resolve, 100));
          pending.delete(partition);
          throw new Error('not finished');
        },
      });
      await expect.poll(() => pending.size, PATIENCE).toBe(2);
      const two = await other.subscribe({
        group,
        topics: [topic],
        onBatch: async ({ partition }) => {
          if (pending.has(partition)) overlaps.push(partition);
          taken.push(partition);
        },
      });
      await expect.poll(() => taken.length, PATIENCE).toBe(1);
      expect(overlaps).toEqual([]);
      await one.close();
      await expect.poll(() => new Set(taken).size, PATIENCE).toBe(2);
      await two.close();
      await other.close();
    });

    test('let a consumer that keeps its own position say where to start', async () => {
      const topic = await bench.newTopic({ partitions: 2 });
      await bench.log.produce(
        topic,
        Array.from({ length: 6 }, (_, n) => text(keyOf(n % 2, 2), String(n))),
      );
      const read: LogRecord[] = [];
      const subscription = await bench.log.subscribe({
        group: newGroup(),
        topics: [topic],
        onAssigned: async (partitions) => {
          expect(partitions.every((it) => it.topic === topic)).toBe(true);
          return new Map([[0, 1]]);
        },
        onBatch: async ({ records }) => void read.push(...records),
      });
      await expect
        .poll(() => [offsetsOf(read, 0), offsetsOf(read, 1)], PATIENCE)
        .toEqual([
          [1, 2],
          [0, 1, 2],
        ]);
      await subscription.close();
      const beyond = await bench.log.subscribe({
        group: newGroup(),
        topics: [topic],
        onAssigned: async () => new Map([[0, 99]]),
        onBatch: async () => {},
      });
      await expect(beyond.ended).rejects.toThrow(OffsetOutOfRangeError);
    });

    test('refuse to have their offsets moved while members are connected', async () => {
      const topic = await bench.newTopic({ partitions: 2 });
      const group = newGroup();
      await bench.log.produce(
        topic,
        Array.from({ length: 6 }, (_, n) => text(keyOf(n % 2, 2))),
      );
      await bench.log.commitOffsets(group, topic, new Map([[0, 1]]));
      expect((await bench.log.lag(group, topic)).map(({ committed }) => committed)).toEqual([1, undefined]);
      const read: LogRecord[] = [];
      const onBatch = async ({ records }: Batch) => void read.push(...records);
      const subscription = await bench.log.subscribe({ group, topics: [topic], onBatch });
      await expect(bench.log.commitOffsets(group, topic, new Map([[0, 0]]))).rejects.toThrow(GroupActiveError);
      await expect.poll(() => read.length, PATIENCE).toBe(5);
      expect(offsetsOf(read, 0)).toEqual([1, 2]);
      await subscription.close();
      await bench.log.commitOffsets(group, topic, new Map([[1, 2]]));
      expect((await bench.log.lag(group, topic)).map(({ committed }) => committed)).toEqual([3, 2]);
    });

    test('read several topics', async () => {
      const topics = [await bench.newTopic({ partitions: 1 }), await bench.newTopic({ partitions: 2 })];
      const read: string[] = [];
      const subscription = await bench.log.subscribe({
        group: newGroup(),
        topics,
        onBatch: async ({ records }) => void read.push(...records.map((it) => `${it.topic} ${it.key}`)),
      });
      for (const topic of topics) await bench.log.produce(topic, ['a', 'b'].map(text));
      const expected = topics.flatMap((topic) => [`${topic} a`, `${topic} b`]).toSorted();
      await expect.poll(() => read.toSorted(), PATIENCE).toEqual(expected);
      await subscription.close();
    });
  });
}

/** Which member has which partition, and whether two ever had one at the same time. */
class Ownership {
  readonly #owners = new Map<number, string>();
  readonly conflicts: string[] = [];

  of(name: string): number[] {
    return [...this.#owners]
      .filter(([, owner]) => owner === name)
      .map(([partition]) => partition)
      .toSorted();
  }

  track(name: string) {
    return {
      onAssigned: async (partitions: readonly TopicPartition[]) => {
        for (const { partition } of partitions) {
          const owner = this.#owners.get(partition);
          if (owner !== undefined) this.conflicts.push(`${name} got ${partition} while ${owner} had it`);
          this.#owners.set(partition, name);
        }
        return undefined;
      },
      onRevoked: async (partitions: readonly TopicPartition[]) => {
        for (const { partition } of partitions) this.#owners.delete(partition);
      },
    };
  }
}
