/**
 * Compares Kafka clients on the log's own paths: small results and large images, produced with every replica's
 * acknowledgement by an idempotent producer, and consumed in batches. For docs/adr/0004-kafka-client.md.
 *
 *     npm run kafka                                            # in another terminal
 *     node loadtest/kafka-clients.ts 127.0.0.1:9092 [rounds]
 *
 * Our log is compared with kafkajs as it comes and, where it is installed (npm i --no-save @platformatic/kafka), with the
 * maintained client in plain JavaScript. Variants take turns, round after round; the medians are printed.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { Value } from 'typebox/value';
import { openKafkaLog } from '../protocol/log/kafka/open.ts';
import { KafkaSettings } from '../protocol/log/kafka/settings.ts';
import type { ProduceRecord, TopicDefinition } from '../protocol/log/log.ts';

interface Client {
  readonly name: string;
  produce(topic: string, records: readonly ProduceRecord[]): Promise<unknown>;
  /** Resolves when `count` records were read from the beginning. */
  consume(topic: string, count: number): Promise<void>;
  close(): Promise<unknown>;
}

interface Workload {
  readonly name: string;
  readonly records: readonly ProduceRecord[];
  readonly calls: number;
  /** Calls that wait for their acknowledgement at the same time. */
  readonly atOnce: number;
}

const [broker = '127.0.0.1:9092', rounds = '5'] = process.argv.slice(2);
const PARTITIONS = 4;
const DEADLINE_MS = 15_000;

const workloads: readonly Workload[] = [
  { name: 'results: 600 bytes, 100 a call, 8 calls at once', records: some(100, 600), calls: 300, atOnce: 8 },
  { name: 'one record of 600 bytes a call, 32 calls at once', records: some(1, 600), calls: 3000, atOnce: 32 },
  { name: 'images: 300 KB, 1 a call, 8 calls at once', records: some(1, 300_000), calls: 150, atOnce: 8 },
];

const log = await openKafkaLog(settings('none'));
const openers = [() => ours('none'), asItComes, platformatic];
for (const workload of workloads) {
  const produced = new Map<string, number[]>();
  const consumed = new Map<string, number[]>();
  // The first round warms the broker up; then each client is the first one in turn.
  for (let round = 0; round <= Number(rounds); round++)
    for (const turn of openers.keys()) {
      const client = await openers[(turn + round) % openers.length]!();
      if (client === undefined) continue;
      const topic = `clients-${randomUUID()}`;
      await log.createTopics([definition(topic)]);
      await client.produce(topic, workload.records); // connects
      const count = workload.records.length * workload.calls;
      const producing = count / (await seconds(() => produceAll(client, topic, workload)));
      const consuming = count / (await seconds(() => client.consume(topic, count)));
      if (round > 0) {
        note(produced, client.name, producing);
        note(consumed, client.name, consuming);
      }
      await client.close();
      await log.deleteTopic(topic);
    }
  for (const [what, rates] of [
    ['produce', produced],
    ['consume', consumed],
  ] as const)
    for (const [name, all] of rates)
      console.log(`${workload.name} | ${what} | ${name} | ${Math.round(median(all)).toLocaleString('en')} records/s`);
}
await log.close();

async function produceAll(client: Client, topic: string, { records, calls, atOnce }: Workload): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next++ < calls) await client.produce(topic, records);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

async function ours(compression: KafkaSettings['compression']): Promise<Client> {
  const own = await openKafkaLog(settings(compression));
  return {
    name: 'Sluice',
    produce: (topic, records) => own.produce(topic, records),
    consume: async (topic, count) => {
      let left = count;
      const done = Promise.withResolvers<void>();
      await own.subscribe({
        group: randomUUID(),
        topics: [topic],
        maxBatchRecords: 10_000,
        onBatch: async ({ records }) => {
          left -= records.length;
          if (left <= 0) done.resolve();
        },
      });
      await done.promise;
    },
    close: () => own.close(),
  };
}

async function asItComes(): Promise<Client> {
  const kafka = new kafkajs.Kafka({ brokers: [broker], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const consumers: kafkajs.Consumer[] = [];
  return {
    name: 'kafkajs as it comes',
    produce: (topic, records) =>
      producer.send({ topic, messages: records.map(({ key, value }) => ({ key, value: value as Buffer })) }),
    consume: async (topic, count) => {
      let left = count;
      const done = Promise.withResolvers<void>();
      const consumer = kafka.consumer({ groupId: randomUUID(), maxBytesPerPartition: 8 << 20, maxBytes: 32 << 20 });
      consumers.push(consumer);
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await consumer.run({
        partitionsConsumedConcurrently: PARTITIONS,
        eachBatch: async ({ batch }) => {
          left -= batch.messages.length;
          if (left <= 0) done.resolve();
        },
      });
      await done.promise;
    },
    close: () => Promise.all([producer.disconnect(), ...consumers.map((consumer) => consumer.disconnect())]),
  };
}

/** undefined where the package is not installed. */
async function platformatic(): Promise<Client | undefined> {
  const name = '@platformatic/kafka';
  // biome-ignore lint/suspicious/noExplicitAny: a package that need not be there has no types either.
  const library: any = await import(name).catch(() => undefined);
  if (library === undefined) return undefined;
  const common = { clientId: 'loadtest', bootstrapBrokers: [broker] };
  const producer = new library.Producer({ ...common, idempotent: true, acks: -1 });
  const consumers: { close(force: boolean): Promise<void> }[] = [];
  return {
    name,
    produce: (topic, records) =>
      producer.send({
        messages: records.map(({ key, value }) => ({ topic, key: Buffer.from(key), value: value as Buffer })),
        acks: -1,
      }),
    consume: async (topic, count) => {
      const consumer = new library.Consumer({ ...common, groupId: randomUUID(), maxWaitTime: 500, maxBytes: 32 << 20 });
      consumers.push(consumer);
      const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: true });
      let left = count;
      for await (const _ of stream) if (--left <= 0) break;
    },
    close: () => Promise.all([producer.close(), ...consumers.map((consumer) => consumer.close(true))]),
  };
}

function settings(compression: KafkaSettings['compression']): KafkaSettings {
  return { ...(Value.Default(KafkaSettings, {}) as KafkaSettings), brokers: [broker], compression };
}

function definition(name: string): TopicDefinition {
  return {
    name,
    partitions: PARTITIONS,
    kind: 'events',
    retentionMs: 3_600_000,
    retentionBytes: undefined,
    maxMessageBytes: 4 << 20,
    replication: 1,
    owner: 'loadtest',
  };
}

function some(count: number, bytes: number): ProduceRecord[] {
  return Array.from({ length: count }, (_, n) => ({ key: `client-${n}`, value: Buffer.alloc(bytes, n) }));
}

/** Infinity, a rate of none, where it fails or does not finish in time. */
async function seconds(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  const done = action().then(
    () => true,
    (error: Error) => {
      console.error(error.message);
      return false;
    },
  );
  const inTime = await Promise.race([done, sleep(DEADLINE_MS, false)]);
  return inTime ? (performance.now() - start) / 1000 : Number.POSITIVE_INFINITY;
}

function note(rates: Map<string, number[]>, name: string, rate: number): void {
  rates.set(name, [...(rates.get(name) ?? []), rate]);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
