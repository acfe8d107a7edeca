/** Brokers that die, freeze and come back, under producers and consumers that go on: nothing acknowledged is lost. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { LogUnavailableError } from '../../protocol/log/errors.ts';
import { type KafkaCluster, startKafka } from '../../protocol/log/kafka/broker/cluster.ts';
import { openKafkaLog } from '../../protocol/log/kafka/open.ts';
import { KafkaSettings } from '../../protocol/log/kafka/settings.ts';
import type { Log, LogRecord, TopicDefinition } from '../../protocol/log/log.ts';
import { RolesOnKafka } from './roles-on-kafka.ts';

const PATIENCE = { timeout: 120_000, interval: 50 };

describe.skipIf(!inject('kafkaIsHere'))('three brokers with three copies', { timeout: 900_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-kafka-'));
  let cluster: KafkaCluster;
  let log: Log;

  beforeAll(async () => {
    cluster = await startKafka({ folder, brokers: 3 });
    const settings = Value.Default(KafkaSettings, {}) as KafkaSettings;
    log = await openKafkaLog(
      { ...settings, brokers: [...cluster.bootstrap], sessionTimeoutMs: 6000 },
      { timeoutMs: 30_000 },
    );
  }, 300_000);
  afterAll(async () => {
    await log?.close();
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 300_000);

  /** Where a first try has ended in the middle, some are not. */
  async function allRun(): Promise<void> {
    for (const broker of cluster.brokers) broker.signal('SIGCONT');
    await Promise.all(cluster.brokers.map((broker) => broker.start()));
  }

  test('one after the other is killed or frozen and comes back: every acknowledged record is read, in order, once committed', async () => {
    await allRun();
    // Another one for each try: what the first has left must not be in the way of the second.
    const topic = topicNamed(`t${++topics}`);
    await log.createTopics([topic]);
    const read = new Map<string, number[]>();
    const errors: unknown[] = [];
    const subscription = await log.subscribe({
      group: topic.name,
      topics: [topic.name],
      onError: (error) => errors.push(error),
      onBatch: async ({ records }) => {
        for (const { key, value } of records) read.set(key, [...(read.get(key) ?? []), Number(value)]);
      },
    });
    const producing = new Load(log, topic.name);
    const progress = (by: number) => {
      const target = producing.acknowledged + by;
      return expect.poll(() => producing.acknowledged, PATIENCE).toBeGreaterThan(target);
    };
    await progress(50);
    await cluster.brokers[0]!.kill();
    await progress(50);
    await cluster.brokers[0]!.start();
    await progress(50);
    cluster.brokers[1]!.signal('SIGSTOP');
    await progress(50);
    cluster.brokers[1]!.signal('SIGCONT');
    await progress(50);
    await cluster.brokers[2]!.stop();
    await progress(50);
    await cluster.brokers[2]!.start();
    await progress(50);
    await producing.stop();

    for (const [key, values] of producing.values) {
      await expect.poll(() => new Set(read.get(key)).size, PATIENCE).toBeGreaterThanOrEqual(values.length);
      // Consumers may read again what was not committed; without repeats the order is that of production.
      expect([...new Set(read.get(key))]).toEqual(values);
    }
    await expect
      .poll(async () => (await log.lag(topic.name, topic.name)).map(({ lag }) => lag), PATIENCE)
      .toEqual([0, 0, 0]);
    await subscription.close();
    const stored = await contents(log, topic.name);
    let repeats = 0;
    for (const [key, values] of producing.values) {
      expect([...new Set(stored.get(key))]).toEqual(values);
      repeats += stored.get(key)!.length - values.length;
    }
    // Only what was refused was sent by another call, and may be there twice.
    expect(repeats).toBeLessThanOrEqual(producing.refused);
    console.info(
      `${producing.acknowledged} acknowledged, ${producing.refused} refused, ${errors.length} faults retried`,
    );
  });

  test('one is lost while every role works: every result exactly once, before and after it is back', async () => {
    await allRun();
    const roles = new RolesOnKafka({
      folder: join(folder, 'roles'),
      brokersOf: () => cluster.bootstrap,
      settings: { 'topics-replication': '3' },
    });
    try {
      await roles.startAll();
      const load = await roles.load();
      const progress = () => expect.poll(() => load.accepted, PATIENCE).toBeGreaterThan(load.accepted + 20);
      await progress();
      await cluster.brokers[1]!.kill();
      await progress();
      await load.expectExactlyOnce('one of three brokers lost');
      const afterwards = await roles.load();
      await cluster.brokers[1]!.start();
      await expect.poll(() => afterwards.accepted, PATIENCE).toBeGreaterThan(20);
      await afterwards.expectExactlyOnce('the broker back');
    } finally {
      await roles.close();
    }
  });

  test('without a majority it is unavailable, and goes on afterwards', async () => {
    await allRun();
    const topic = topicNamed(`u${++topics}`);
    await log.createTopics([topic]);
    await log.produce(topic.name, [record('k', 0)]);
    const impatient = await openKafkaLog(
      { ...(Value.Default(KafkaSettings, {}) as KafkaSettings), brokers: [...cluster.bootstrap] },
      { timeoutMs: 5000 },
    );
    await Promise.all([cluster.brokers[0]!.kill(), cluster.brokers[1]!.kill()]);
    await expect(impatient.produce(topic.name, [record('k', 1)])).rejects.toThrow(LogUnavailableError);
    await Promise.all([cluster.brokers[0]!.start(), cluster.brokers[1]!.start()]);
    await expect
      .poll(
        () =>
          impatient.produce(topic.name, [record('k', 2)]).then(
            () => true,
            () => false,
          ),
        PATIENCE,
      )
      .toBe(true);
    await impatient.close();
  });
});

let topics = 0;

const topicNamed = (name: string): TopicDefinition => ({
  name,
  partitions: 3,
  kind: 'events',
  retentionMs: 3_600_000,
  retentionBytes: undefined,
  maxMessageBytes: 1 << 20,
  replication: 3,
  owner: 'test',
});

/** Counts up on a few keys, one record of a key at a time, until stopped. */
class Load {
  readonly values = new Map<string, number[]>();
  acknowledged = 0;
  refused = 0;
  #stopping = false;
  readonly #running: Promise<void>[];

  constructor(log: Log, topic: string) {
    this.#running = ['a', 'b', 'c', 'd', 'e', 'f'].map(async (key) => {
      const values: number[] = [];
      this.values.set(key, values);
      for (let count = 0; !this.#stopping; count++) {
        // Until it is acknowledged: what was refused may still have been appended, so it must not be another value.
        for (;;) {
          try {
            await log.produce(topic, [record(key, count)]);
            break;
          } catch {
            this.refused++;
          }
        }
        values.push(count);
        this.acknowledged++;
      }
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }
}

async function contents(log: Log, topic: string): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  const ranges = await log.watermarks(topic);
  let left = ranges.reduce((sum, { earliest, end }) => sum + end - earliest, 0);
  const following = await log.follow({
    topic,
    from: new Map(ranges.map(({ partition, earliest }) => [partition, earliest])),
    onBatch: async ({ records }: { records: readonly LogRecord[] }) => {
      for (const { key, value } of records) found.set(key, [...(found.get(key) ?? []), Number(value)]);
      left -= records.length;
    },
  });
  await expect.poll(() => left, PATIENCE).toBe(0);
  await following.close();
  return found;
}

function record(key: string, value: number) {
  return { key, value: Buffer.from(String(value)) };
}
