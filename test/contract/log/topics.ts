/** Topics: made, altered and recreated, and the epochs that tell so. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { UnknownTopicError } from '../../../protocol/log/errors.ts';
import { partitionOf } from '../../../protocol/log/partitioner.ts';
import { definition, expectGrowing, type LogBench, newGroup, text } from './bench.ts';

export function topicsContract(bench: LogBench): void {
  describe('topics', () => {
    test('are created once and left as they are', async () => {
      const topic = await bench.newTopic({ partitions: 3 });
      const before = await bench.log.describeTopic(topic);
      expect(before.definition).toMatchObject({ name: topic, partitions: 3, kind: 'events', retentionMs: 3_600_000 });
      expect(before.epoch).toMatch(/^[0-9a-z]+$/);
      await bench.log.createTopics([definition({ name: topic, partitions: 7 })]);
      expect(await bench.log.describeTopic(topic)).toEqual(before);
      expect(await bench.log.listTopics()).toContain(topic);
    });

    test('get a new epoch when they are recreated', async () => {
      const topic = await bench.newTopic({ partitions: 1 });
      await bench.log.produce(topic, [text('k')]);
      const { epoch } = await bench.log.describeTopic(topic);
      await bench.log.deleteTopic(topic);
      await expect(bench.log.describeTopic(topic)).rejects.toThrow(UnknownTopicError);
      expect(await bench.log.listTopics()).not.toContain(topic);
      await bench.log.createTopics([definition({ name: topic, partitions: 1 })]);
      expect((await bench.log.describeTopic(topic)).epoch).not.toBe(epoch);
      expect(await bench.contents(topic)).toEqual([]);
      const [first] = await bench.log.produce(topic, [text('k', 'new')]);
      expect(first).toEqual({ partition: 0, offset: 0 });
    });

    test('get a new epoch when partitions are added, and keep their records', async () => {
      const topic = await bench.newTopic({ partitions: 1 });
      await bench.log.produce(topic, [text('a'), text('b')]);
      const { epoch, definition: one } = await bench.log.describeTopic(topic);
      await bench.log.alterTopic({ ...one, retentionMs: 7_200_000 });
      const longer = await bench.log.describeTopic(topic);
      expect(longer).toMatchObject({ epoch, definition: { retentionMs: 7_200_000 } });
      await bench.log.alterTopic({ ...longer.definition, partitions: 3 });
      const three = await bench.log.describeTopic(topic);
      expect(three.epoch).not.toBe(epoch);
      expect(three.definition.partitions).toBe(3);
      const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
      const produced = await bench.log.produce(topic, keys.map(text));
      expect(produced.map(({ partition }) => partition)).toEqual(keys.map((key) => partitionOf(key, 3)));
      expect(await bench.contents(topic)).toHaveLength(8);
      await expect(bench.log.alterTopic({ ...three.definition, partitions: 2 })).rejects.toThrow(TypeError);
    });

    test('that are not there are an UnknownTopicError', async () => {
      const topic = `absent-${randomUUID()}`;
      const onBatch = async () => {};
      await expect(bench.log.produce(topic, [text('k')])).rejects.toThrow(UnknownTopicError);
      await expect(bench.log.describeTopic(topic)).rejects.toThrow(UnknownTopicError);
      await expect(bench.log.watermarks(topic)).rejects.toThrow(UnknownTopicError);
      await expect(bench.log.lag('nobody', topic)).rejects.toThrow(UnknownTopicError);
      await expect(bench.log.offsetsAt(topic, 0)).rejects.toThrow(UnknownTopicError);
      await expect(bench.log.deleteTopic(topic)).rejects.toThrow(UnknownTopicError);
      await expect(bench.log.follow({ topic, from: new Map([[0, 0]]), onBatch })).rejects.toThrow(UnknownTopicError);
      await expect(bench.log.subscribe({ group: newGroup(), topics: [topic], onBatch })).rejects.toThrow(
        UnknownTopicError,
      );
    });

    test('of entities never lose the latest record of a key', async () => {
      const topic = await bench.newTopic({ partitions: 1, kind: 'entity', retentionMs: undefined });
      for (let version = 0; version < 20; version++)
        await bench.log.produce(
          topic,
          ['a', 'b', 'c'].map((key) => text(key, `${key}${version}`)),
        );
      await bench.log.produce(topic, [{ key: 'c', value: null }]);
      const state = new Map<string, string>();
      const read = await bench.contents(topic);
      for (const { key, value } of read) {
        if (value === null) state.delete(key);
        else state.set(key, String(value));
      }
      expect(Object.fromEntries(state)).toEqual({ a: 'a19', b: 'b19' });
      expectGrowing(read.map(({ offset }) => offset));
    });
  });
}
