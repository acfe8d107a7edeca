/**
 * What every log must do, whatever it is made of. Called by one test file for each implementation.
 *
 * Every test makes topics and groups of its own, so that one broker serves all of them.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  GroupActiveError,
  LogUnavailableError,
  OffsetOutOfRangeError,
  RecordTooLargeError,
  UnknownTopicError,
} from '../../protocol/log/errors.ts';
import type { Batch, Log, LogRecord, ProduceRecord, TopicDefinition, TopicPartition } from '../../protocol/log/log.ts';
import { openLog } from '../../protocol/log/open.ts';
import { partitionOf } from '../../protocol/log/partitioner.ts';
import type { LogSettings } from '../../protocol/log/settings.ts';
import { LogProcess } from './log-process.ts';

const PATIENCE = { timeout: 25_000, interval: 20 };
const KIB = 1024;

/** @param settings of a log that is there when the tests run; its members' sessions should be short (1 to 3 s) */
export function logContract(name: string, settings: () => Promise<LogSettings>): void {
  describe(`${name}: the contract of the log`, { timeout: 60_000 }, () => {
    let log: Log;
    const open = async () => openLog(await settings());
    beforeAll(async () => {
      log = await open();
    });
    afterAll(() => log.close());

    async function newTopic(changes: Partial<TopicDefinition> = {}): Promise<string> {
      const topic = definition(changes);
      await log.createTopics([topic]);
      return topic.name;
    }

    /** Reads all that a topic holds now, by following it from the earliest to the end. */
    async function contents(topic: string): Promise<LogRecord[]> {
      const records: LogRecord[] = [];
      const ends = new Map<number, number>();
      const from = new Map<number, number>();
      for (const { partition, earliest, end } of await log.watermarks(topic)) {
        if (earliest === end) continue;
        ends.set(partition, end);
        from.set(partition, earliest);
      }
      const onBatch = async (batch: Batch) => {
        records.push(...batch.records);
        if (batch.records.at(-1)!.offset + 1 >= ends.get(batch.partition)!) ends.delete(batch.partition);
      };
      const following = await log.follow({ topic, from, onBatch });
      await expect.poll(() => ends.size, PATIENCE).toBe(0);
      await following.close();
      return records;
    }

    describe('producing', () => {
      test('acknowledges each record with the partition of its key and an offset that grows', async () => {
        const topic = await newTopic({ partitions: 5 });
        const keys = Array.from({ length: 40 }, (_, index) => `client-${index % 10}`);
        const produced = await log.produce(topic, keys.map(text));
        expect(produced.map(({ partition }) => partition)).toEqual(keys.map((key) => partitionOf(key, 5)));
        for (const ofPartition of Map.groupBy(produced, ({ partition }) => partition).values())
          expectGrowing(ofPartition.map(({ offset }) => offset));
        const [again] = await log.produce(topic, [text('client-0')]);
        expect(again!.offset).toBeGreaterThan(Math.max(...offsetsOf(produced, partitionOf('client-0', 5))));
      });

      test('keeps key, value, headers and time as they were given', async () => {
        const topic = await newTopic({ partitions: 1 });
        const before = Date.now();
        const records: ProduceRecord[] = [
          { key: 'naïve 🐘', value: Buffer.from([0, 255, 10, 13]), headers: { 'content-type': 'é', empty: '' } },
          { key: 'no-value', value: null },
          { key: 'empty-value', value: Buffer.alloc(0) },
          { key: 'view', value: new Uint8Array(Buffer.from('..inside..').buffer.slice(0)).subarray(0, 3) },
        ];
        const produced = await log.produce(topic, records);
        const read = await contents(topic);
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
        const topic = await newTopic({ partitions: 1 });
        const values = Array.from({ length: 200 }, (_, index) => String(index));
        await Promise.all(values.map((value) => log.produce(topic, [text('one', value)])));
        expect((await contents(topic)).map(({ value }) => String(value))).toEqual(values);
      });

      test('whatever was produced is read back, in order within each partition', async () => {
        const record = fc.record({
          key: fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
          value: fc.option(fc.uint8Array({ maxLength: 64 }), { nil: null }),
        });
        const calls = fc.array(fc.array(record, { maxLength: 6 }), { maxLength: 6 });
        await fc.assert(
          fc.asyncProperty(calls, async (batches) => {
            const topic = await newTopic({ partitions: 3 });
            for (const batch of batches) await log.produce(topic, batch);
            const read = await contents(topic);
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
        const topic = await newTopic({ partitions: 1, maxMessageBytes: limit });
        const noise = Buffer.from(Array.from({ length: limit }, (_, index) => (index * 2654435761) >>> 13));
        await log.produce(topic, [{ key: 'k', value: noise }]);
        const tooLarge = Buffer.alloc(limit + 1);
        await expect(log.produce(topic, [text('k'), { key: 'k', value: tooLarge }])).rejects.toThrow(
          RecordTooLargeError,
        );
        const read = await contents(topic);
        expect(read).toHaveLength(1);
        expect(read[0]!.value!.equals(noise)).toBe(true);
      });

      test('many large records in one call arrive whole', async () => {
        const topic = await newTopic({ partitions: 2, maxMessageBytes: 1100 * KIB });
        const records = Array.from({ length: 12 }, (_, n) => ({ key: `k${n}`, value: Buffer.alloc(KIB * KIB, n) }));
        await log.produce(topic, records);
        const read = await contents(topic);
        expect(read).toHaveLength(12);
        for (const { key, value } of read) expect(value!.equals(records[Number(key.slice(1))]!.value)).toBe(true);
      });

      test('of nothing appends nothing', async () => {
        expect(await log.produce(await newTopic(), [])).toEqual([]);
      });
    });

    describe('topics', () => {
      test('are created once and left as they are', async () => {
        const topic = await newTopic({ partitions: 3 });
        const before = await log.describeTopic(topic);
        expect(before.definition).toMatchObject({ name: topic, partitions: 3, kind: 'events', retentionMs: 3_600_000 });
        expect(before.epoch).toMatch(/^[0-9a-z]+$/);
        await log.createTopics([definition({ name: topic, partitions: 7 })]);
        expect(await log.describeTopic(topic)).toEqual(before);
        expect(await log.listTopics()).toContain(topic);
      });

      test('get a new epoch when they are recreated', async () => {
        const topic = await newTopic({ partitions: 1 });
        await log.produce(topic, [text('k')]);
        const { epoch } = await log.describeTopic(topic);
        await log.deleteTopic(topic);
        await expect(log.describeTopic(topic)).rejects.toThrow(UnknownTopicError);
        expect(await log.listTopics()).not.toContain(topic);
        await log.createTopics([definition({ name: topic, partitions: 1 })]);
        expect((await log.describeTopic(topic)).epoch).not.toBe(epoch);
        expect(await contents(topic)).toEqual([]);
        const [first] = await log.produce(topic, [text('k', 'new')]);
        expect(first).toEqual({ partition: 0, offset: 0 });
      });

      test('get a new epoch when partitions are added, and keep their records', async () => {
        const topic = await newTopic({ partitions: 1 });
        await log.produce(topic, [text('a'), text('b')]);
        const { epoch, definition: one } = await log.describeTopic(topic);
        await log.alterTopic({ ...one, retentionMs: 7_200_000 });
        const longer = await log.describeTopic(topic);
        expect(longer).toMatchObject({ epoch, definition: { retentionMs: 7_200_000 } });
        await log.alterTopic({ ...longer.definition, partitions: 3 });
        const three = await log.describeTopic(topic);
        expect(three.epoch).not.toBe(epoch);
        expect(three.definition.partitions).toBe(3);
        const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
        const produced = await log.produce(topic, keys.map(text));
        expect(produced.map(({ partition }) => partition)).toEqual(keys.map((key) => partitionOf(key, 3)));
        expect(await contents(topic)).toHaveLength(8);
        await expect(log.alterTopic({ ...three.definition, partitions: 2 })).rejects.toThrow(TypeError);
      });

      test('that are not there are an UnknownTopicError', async () => {
        const topic = `absent-${randomUUID()}`;
        const onBatch = async () => {};
        await expect(log.produce(topic, [text('k')])).rejects.toThrow(UnknownTopicError);
        await expect(log.describeTopic(topic)).rejects.toThrow(UnknownTopicError);
        await expect(log.watermarks(topic)).rejects.toThrow(UnknownTopicError);
        await expect(log.lag('nobody', topic)).rejects.toThrow(UnknownTopicError);
        await expect(log.offsetsAt(topic, 0)).rejects.toThrow(UnknownTopicError);
        await expect(log.deleteTopic(topic)).rejects.toThrow(UnknownTopicError);
        await expect(log.follow({ topic, from: new Map([[0, 0]]), onBatch })).rejects.toThrow(UnknownTopicError);
        await expect(log.subscribe({ group: newGroup(), topics: [topic], onBatch })).rejects.toThrow(UnknownTopicError);
      });

      test('of entities never lose the latest record of a key', async () => {
        const topic = await newTopic({ partitions: 1, kind: 'entity', retentionMs: undefined });
        for (let version = 0; version < 20; version++)
          await log.produce(
            topic,
            ['a', 'b', 'c'].map((key) => text(key, `${key}${version}`)),
          );
        await log.produce(topic, [{ key: 'c', value: null }]);
        const state = new Map<string, string>();
        const read = await contents(topic);
        for (const { key, value } of read) {
          if (value === null) state.delete(key);
          else state.set(key, String(value));
        }
        expect(Object.fromEntries(state)).toEqual({ a: 'a19', b: 'b19' });
        expectGrowing(read.map(({ offset }) => offset));
      });
    });

    describe('following', () => {
      test('begins at the given offsets and goes on with what is produced later', async () => {
        const topic = await newTopic({ partitions: 2 });
        const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
        await log.produce(topic, [...keys, ...keys].map(text));
        const ranges = await log.watermarks(topic);
        const read: LogRecord[] = [];
        const from = new Map(ranges.map(({ partition, end }) => [partition, end - 2]));
        const following = await log.follow({ topic, from, onBatch: async ({ records }) => void read.push(...records) });
        await expect.poll(() => read.length, PATIENCE).toBe(4);
        await log.produce(topic, keys.map(text));
        await expect.poll(() => read.length, PATIENCE).toBe(12);
        for (const { partition, end } of ranges) expect(offsetsOf(read, partition)[0]).toBe(end - 2);
        await following.close();
        await following.ended;
      });

      test('reads only the partitions that it was given', async () => {
        const topic = await newTopic({ partitions: 2 });
        const inOne = ['a', 'b', 'c', 'd', 'e', 'f'].filter((key) => partitionOf(key, 2) === 1);
        await log.produce(topic, ['a', 'b', 'c', 'd', 'e', 'f'].map(text));
        const read: LogRecord[] = [];
        const from = new Map([[1, 0]]);
        const following = await log.follow({ topic, from, onBatch: async ({ records }) => void read.push(...records) });
        await expect.poll(() => read.map(({ key }) => key), PATIENCE).toEqual(inOne);
        await log.produce(topic, ['a', 'b', 'c', 'd', 'e', 'f'].map(text));
        await expect.poll(() => read.map(({ key }) => key), PATIENCE).toEqual([...inOne, ...inOne]);
        await following.close();
      });

      test('from past the end is an OffsetOutOfRangeError', async () => {
        const topic = await newTopic({ partitions: 1 });
        await log.produce(topic, [text('k')]);
        const onBatch = async () => {};
        await expect(log.follow({ topic, from: new Map([[0, 2]]), onBatch })).rejects.toThrow(OffsetOutOfRangeError);
        const atTheEnd = await log.follow({ topic, from: new Map([[0, 1]]), onBatch });
        await atTheEnd.close();
      });
    });

    describe('handling batches', () => {
      test('gives one batch at a time of a partition, within the limits, and nothing more while it is pending', async () => {
        const topic = await newTopic({ partitions: 2 });
        const [slow, quick] = [keyOf(0, 2), keyOf(1, 2)];
        await log.produce(
          topic,
          Array.from({ length: 30 }, () => text(slow)),
        );
        const gates: (() => void)[] = [];
        const sizes: number[] = [];
        let quickOnes = 0;
        const following = await log.follow({
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
          await log.produce(topic, [text(quick)]);
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
        const topic = await newTopic({ partitions: 1 });
        const sizes = [10, 10, 300, 10, 90, 20];
        await log.produce(
          topic,
          sizes.map((size) => ({ key: 'k', value: Buffer.alloc(size * KIB) })),
        );
        const batches: number[][] = [];
        const following = await log.follow({
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
        const topic = await newTopic({ partitions: 1 });
        await log.produce(
          topic,
          Array.from({ length: 10 }, (_, index) => text('k', String(index))),
        );
        const seen: number[][] = [];
        const errors: unknown[] = [];
        const subscription = await log.subscribe({
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
        expect(errors.map(String).filter((it) => it.includes('thrown'))).toEqual([
          'Error: thrown 1',
          'Error: thrown 2',
        ]);
        await subscription.close();
      });

      test('aborts the signal on close and waits for the handler', async () => {
        const topic = await newTopic({ partitions: 1 });
        await log.produce(topic, [text('k', '0'), text('k', '1')]);
        const group = newGroup();
        let settled = false;
        let pending = false;
        const subscription = await log.subscribe({
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
        expect((await log.lag(group, topic))[0]).toMatchObject({ committed: 1, lag: 1 });
      });
    });

    describe('groups', () => {
      test('resume where they left off, and lag says how far that is', async () => {
        const topic = await newTopic({ partitions: 1 });
        const group = newGroup();
        await log.produce(
          topic,
          ['0', '1', '2'].map((value) => text('k', value)),
        );
        expect(await log.lag(group, topic)).toEqual([
          { partition: 0, earliest: 0, end: 3, committed: undefined, lag: 3 },
        ]);
        for (const expected of [
          ['0', '1', '2'],
          ['3', '4'],
        ]) {
          const member = await open();
          const read: string[] = [];
          await member.subscribe({
            group,
            topics: [topic],
            onBatch: async ({ records }) => void read.push(...records.map(({ value }) => String(value))),
          });
          await expect.poll(() => read, PATIENCE).toEqual(expected);
          await expect.poll(async () => (await log.lag(group, topic))[0]!.lag, PATIENCE).toBe(0);
          await member.close();
          await log.produce(
            topic,
            ['3', '4'].map((value) => text('k', value)),
          );
          expect((await log.lag(group, topic))[0]!.lag).toBe(2);
          if (expected[0] === '3') expect(read).toEqual(['3', '4']);
        }
      });

      test('begin at the end if told so, and stay there', async () => {
        const topic = await newTopic({ partitions: 2 });
        const group = newGroup();
        await log.produce(topic, ['a', 'b', 'c', 'd'].map(text));
        const read: string[] = [];
        const options = {
          group,
          topics: [topic],
          startAt: 'latest' as const,
          onBatch: async ({ records }: Batch) => void read.push(...records.map(({ key }) => key)),
        };
        const first = await log.subscribe(options);
        await log.produce(topic, ['e', 'f', 'g', 'h'].map(text));
        await expect.poll(() => read.toSorted(), PATIENCE).toEqual(['e', 'f', 'g', 'h']);
        await first.close();
        await log.produce(topic, ['i'].map(text));
        const second = await log.subscribe(options);
        await expect.poll(() => read.toSorted(), PATIENCE).toEqual(['e', 'f', 'g', 'h', 'i']);
        await second.close();
      });

      test('share partitions: each has one owner, and all are taken over when a member leaves', async () => {
        const topic = await newTopic({ partitions: 4 });
        const group = newGroup();
        const other = await open();
        const owners = new Ownership();
        const member = (name: string) => ({ group, topics: [topic], onBatch: async () => {}, ...owners.track(name) });
        const one = await log.subscribe(member('one'));
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
        const topic = await newTopic({ partitions: 2 });
        const group = newGroup();
        await log.produce(topic, [text(keyOf(0, 2)), text(keyOf(1, 2))]);
        const other = await open();
        const pending = new Set<number>();
        const overlaps: number[] = [];
        const taken: number[] = [];
        const one = await log.subscribe({
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
        const topic = await newTopic({ partitions: 2 });
        await log.produce(
          topic,
          Array.from({ length: 6 }, (_, n) => text(keyOf(n % 2, 2), String(n))),
        );
        const read: LogRecord[] = [];
        const subscription = await log.subscribe({
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
        const beyond = await log.subscribe({
          group: newGroup(),
          topics: [topic],
          onAssigned: async () => new Map([[0, 99]]),
          onBatch: async () => {},
        });
        await expect(beyond.ended).rejects.toThrow(OffsetOutOfRangeError);
      });

      test('refuse to have their offsets moved while members are connected', async () => {
        const topic = await newTopic({ partitions: 2 });
        const group = newGroup();
        await log.produce(
          topic,
          Array.from({ length: 6 }, (_, n) => text(keyOf(n % 2, 2))),
        );
        await log.commitOffsets(group, topic, new Map([[0, 1]]));
        expect((await log.lag(group, topic)).map(({ committed }) => committed)).toEqual([1, undefined]);
        const read: LogRecord[] = [];
        const onBatch = async ({ records }: Batch) => void read.push(...records);
        const subscription = await log.subscribe({ group, topics: [topic], onBatch });
        await expect(log.commitOffsets(group, topic, new Map([[0, 0]]))).rejects.toThrow(GroupActiveError);
        await expect.poll(() => read.length, PATIENCE).toBe(5);
        expect(offsetsOf(read, 0)).toEqual([1, 2]);
        await subscription.close();
        await log.commitOffsets(group, topic, new Map([[1, 2]]));
        expect((await log.lag(group, topic)).map(({ committed }) => committed)).toEqual([3, 2]);
      });

      test('read several topics', async () => {
        const topics = [await newTopic({ partitions: 1 }), await newTopic({ partitions: 2 })];
        const read: string[] = [];
        const subscription = await log.subscribe({
          group: newGroup(),
          topics,
          onBatch: async ({ records }) => void read.push(...records.map((it) => `${it.topic} ${it.key}`)),
        });
        for (const topic of topics) await log.produce(topic, ['a', 'b'].map(text));
        const expected = topics.flatMap((topic) => [`${topic} a`, `${topic} b`]).toSorted();
        await expect.poll(() => read.toSorted(), PATIENCE).toEqual(expected);
        await subscription.close();
      });
    });

    describe('positions', () => {
      test('are found by time', async () => {
        const topic = await newTopic({ partitions: 1 });
        await log.produce(topic, [text('k'), text('k')]);
        const [first] = await contents(topic);
        const between = first!.timestamp + 1;
        await expect.poll(() => Date.now(), PATIENCE).toBeGreaterThan(between);
        await log.produce(topic, [text('k'), text('k')]);
        expect(await log.offsetsAt(topic, 0)).toEqual(new Map([[0, 0]]));
        expect(await log.offsetsAt(topic, between + 1)).toEqual(new Map([[0, 2]]));
        expect(await log.offsetsAt(topic, Date.now() + 60_000)).toEqual(new Map([[0, 4]]));
      });

      test('of an empty and of a filled partition are known', async () => {
        const topic = await newTopic({ partitions: 2 });
        await log.produce(topic, [text(keyOf(1, 2)), text(keyOf(1, 2))]);
        expect(await log.watermarks(topic)).toEqual([
          { partition: 0, earliest: 0, end: 0 },
          { partition: 1, earliest: 0, end: 2 },
        ]);
      });
    });

    describe('closing', () => {
      test('ends every subscription, twice does nothing, and then the log is unavailable', async () => {
        const topic = await newTopic();
        const short = await open();
        const following = await short.follow({ topic, from: new Map([[0, 0]]), onBatch: async () => {} });
        const member = await short.subscribe({ group: newGroup(), topics: [topic], onBatch: async () => {} });
        await short.close();
        await Promise.all([following.ended, member.ended, short.close()]);
        await expect(short.produce(topic, [text('k')])).rejects.toThrow(LogUnavailableError);
        await expect(short.watermarks(topic)).rejects.toThrow(LogUnavailableError);
      });
    });

    describe('processes', () => {
      test('a producer that is killed has lost nothing that was acknowledged to it', async () => {
        const topic = await newTopic({ partitions: 2 });
        await using producer = new LogProcess(await settings(), 'produce', topic);
        await expect.poll(() => producer.lines.length, PATIENCE).toBeGreaterThan(30);
        await producer.kill();
        const acknowledged = producer.lines.map((line) => line.acknowledged!);
        const read = await contents(topic);
        for (const key of ['1', '2', '3']) {
          const values = read.filter((record) => record.key === key).map(({ value }) => Number(value));
          // One call of each key may have been on its way, appended but not acknowledged.
          expect(values.slice(0, acknowledged.length)).toEqual(acknowledged);
          expect(values.length).toBeLessThanOrEqual(acknowledged.length + 1);
        }
      });

      test('a consumer that is killed loses its partitions, and what it had not finished comes again', async () => {
        const topic = await newTopic({ partitions: 2 });
        const group = newGroup();
        await log.produce(
          topic,
          Array.from({ length: 10 }, (_, n) => text(keyOf(n % 2, 2))),
        );
        await using consumer = new LogProcess(await settings(), 'consume', group, topic, 'hold');
        await expect.poll(() => consumer.lines.filter((line) => line.offset === 4).length, PATIENCE).toBe(2);
        await expect.poll(async () => (await log.lag(group, topic)).map(({ lag }) => lag), PATIENCE).toEqual([1, 1]);
        const read: TopicPartition[] = [];
        const member = await log.subscribe({
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
        const topic = await newTopic({ partitions: 1 });
        const group = newGroup();
        await log.produce(topic, [text('k', '0'), text('k', '1')]);
        await using zombie = new LogProcess(await settings(), 'consume', group, topic, 'hold');
        await expect.poll(() => zombie.lines.some((line) => line.offset === 1), PATIENCE).toBe(true);
        zombie.signal('SIGSTOP');
        const read: LogRecord[] = [];
        let release = () => {};
        const member = await log.subscribe({
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
        expect((await log.lag(group, topic))[0]!.committed ?? 0).toBeLessThanOrEqual(1);
        await zombie.kill();
        release();
        await expect.poll(async () => (await log.lag(group, topic))[0]!.lag, PATIENCE).toBe(0);
        await member.close();
      });
    });
  });
}

function definition(changes: Partial<TopicDefinition>): TopicDefinition {
  return {
    name: `topic-${randomUUID()}`,
    partitions: 2,
    kind: 'events',
    retentionMs: 3_600_000,
    retentionBytes: undefined,
    maxMessageBytes: KIB * KIB,
    replication: 1,
    owner: 'test',
    ...changes,
  };
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

function newGroup(): string {
  return `group-${randomUUID()}`;
}

function text(key: string, value: string | number = key): ProduceRecord {
  return { key, value: Buffer.from(String(value)) };
}

/** A key that lies in the given partition. */
function keyOf(partition: number, partitions: number): string {
  for (let n = 0; ; n++) if (partitionOf(`key-${n}`, partitions) === partition) return `key-${n}`;
}

function offsetsOf(records: readonly { partition: number; offset: number }[], partition: number): number[] {
  return records.filter((record) => record.partition === partition).map(({ offset }) => offset);
}

function expectGrowing(offsets: readonly number[]): void {
  expect(offsets).toEqual([...new Set(offsets)].toSorted((a, b) => a - b));
}

function plain({ key, value }: ProduceRecord): [string, string | null] {
  return [key, value === null ? null : Buffer.from(value).toString('hex')];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
