/** `sluice mirror kafka` on a real broker: a reader of committed records sees the firehose, whatever happens to the one who copies. */
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { TestNode } from '../../firehose/testing/node.ts';
import { KafkaClient } from '../../protocol/log/kafka/client.ts';
import type { KafkaSettings } from '../../protocol/log/kafka/settings.ts';
import { createTopic } from '../../protocol/log/kafka/topic-admin.ts';
import { MirrorFencedError, openKafkaTopic } from '../../sdk/mirror/kafka-topic.ts';
import { mirrorThroughKills } from '../harness/mirror-load.ts';
import { RunningCommand } from '../harness/run-command.ts';
import { sharedKafka } from './shared-kafka.ts';

const PARTITIONS = 3;

describe.runIf(inject('kafkaIsHere'))('a mirror in a Kafka topic', () => {
  let node: TestNode;
  let settings: KafkaSettings;
  beforeAll(async () => {
    // kafkajs, with which the copy is read, understands gzip and not zstd.
    settings = { ...(await sharedKafka()), compression: 'gzip' };
    node = await TestNode.start({ heartbeatMs: 200 });
  });
  afterAll(() => node?.[Symbol.asyncDispose]());

  async function newTopic(): Promise<string> {
    const name = `mirror-${randomUUID()}`;
    const client = new KafkaClient(settings, 'test');
    await createTopic(client, { name, partitions: PARTITIONS, replication: 1, config: {} });
    client.close();
    return name;
  }

  test('killed again and again under load it shows every message once, in order of its transaction', {
    timeout: 180_000,
  }, async () => {
    const topic = await newTopic();
    const environment = { SLUICE_KAFKA_BROKERS: settings.brokers.join(), SLUICE_KAFKA_COMPRESSION: 'gzip' };
    const expected = await mirrorThroughKills(node, 'killed', ['kafka', topic], { kills: 8, environment });
    expect(expected.length).toBeGreaterThan(100);
    const records = await readCommitted(settings, topic, expected.length);
    const byOffset = records.toSorted((a, b) => a.offset - b.offset);
    expect(byOffset.map(({ value }) => value)).toEqual(expected);
    for (const partition of Array(PARTITIONS).keys()) {
      const offsets = records.filter((record) => record.partition === partition).map(({ offset }) => offset);
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    }
    for (const { key, value, offset, type } of records) {
      expect(JSON.parse(value)).toMatchObject({ transaction: key, offset, type });
    }
  });

  test('who goes on under a name that another has taken is fenced, and nothing of it is seen', async () => {
    const topic = await newTopic();
    const message = (offset: number) => {
      const frame = {
        kind: 'message',
        offset,
        prev: -1,
        time: '',
        type: 'x',
        transaction: 't',
        id: 'i',
        payload: {},
      } as const;
      return { message: frame, json: JSON.stringify(frame) };
    };
    const first = await openKafkaTopic(settings, { topic });
    await first.append([message(1)], { epoch: 'e', offset: 1 });
    const second = await openKafkaTopic(settings, { topic });
    expect(await second.position()).toEqual({ epoch: 'e', offset: 1 });
    await expect(first.append([message(2)], { epoch: 'e', offset: 2 })).rejects.toThrow(MirrorFencedError);
    await second.append([message(3)], { epoch: 'e', offset: 3 });
    expect((await readCommitted(settings, topic, 2)).map(({ offset }) => offset)).toEqual([1, 3]);
    first.close();
    second.close();
  });

  test('a topic that does not exist is an error at once', async () => {
    const environment = { SLUICE_KAFKA_BROKERS: settings.brokers.join(), SLUICE_TOKEN: 't' };
    const command = new RunningCommand(['mirror', 'kafka', 'no-such-topic'], environment);
    expect(await command.ended).toBe(1);
    expect(command.stderr).toMatch(/topic 'no-such-topic' does not exist/);
  });
});

interface ReadRecord {
  readonly partition: number;
  readonly key: string;
  readonly value: string;
  readonly offset: number;
  readonly type: string;
}

/** With kafkajs, which is none of ours, as a consumer of the copy would read it: committed records only. Waits for so many, then looks for more. */
async function readCommitted({ brokers }: KafkaSettings, topic: string, count: number): Promise<ReadRecord[]> {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: randomUUID(), readUncommitted: false });
  const records: ReadRecord[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ partition, message: { key, value, headers } }) => {
      const header = (name: string) => String(headers?.[name]);
      records.push({
        partition,
        key: String(key),
        value: String(value),
        offset: Number(header('offset')),
        type: header('type'),
      });
    },
  });
  try {
    await expect.poll(() => records.length).toBeGreaterThanOrEqual(count);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return records;
  } finally {
    await consumer.disconnect();
  }
}
