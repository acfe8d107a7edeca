/**
 * Compares Kafka clients on the log's own paths: small results and large images, produced with every replica's
 * acknowledgement by an idempotent producer, and consumed in batches. For docs/adr/0004-kafka-client.md.
 *
 *     npm run kafka                                            # in another terminal
 *     node loadtest/kafka-clients.ts 127.0.0.1:9092 [rounds]
 *
 * Our log is compared with kafkajs as it comes and, where it is installed (npm i --no-save @platformatic/kafka), with the
 * maintained client in plain JavaScript. Variants take turns, round after round. Printed are the medians by the clock, which
 * the broker and whatever else runs on the machine have their part in, and of this process's own processor time.
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
  /** Joins a group and reads from the beginning; resolves when there were `count` records. @param onFirst called with the first */
  consume(topic: string, count: number, onFirst: () => void): Promise<void>;
  close(): Promise<unknown>;
}

interface Workload {
  readonly name: string;
  readonly recordsPerCall: number;
  readonly bytes: number;
  readonly calls: number;
  /** Calls that wait for their acknowledgement at the same time. */
  readonly atOnce: number;
}

const [broker = '127.0.0.1:9092', rounds = '5'] = process.argv.slice(2);
const PARTITIONS = 4;
const DEADLINE_MS = 15_000;
/** Keys of the records, in turn. */
const CLIENTS = 100;

const workloads: readonly Workload[] = [
  { name: '600 bytes, 100 a call, 8 calls at once', recordsPerCall: 100, bytes: 600, calls: 300, atOnce: 8 },
  { name: '600 bytes, 1 a call, 32 calls at once', recordsPerCall: 1, bytes: 600, calls: 3000, atOnce: 32 },
  { name: '300 KB, 1 a call, 8 calls at once', recordsPerCall: 1, bytes: 300_000, calls: 150, atOnce: 8 },
];

interface Sample {
  readonly recordsPerSecond: number;
  /** Of this process. */
  readonly processorUsPerRecord: number;
  /** From the call to the first record; of consuming only. */
  readonly firstMs?: number;
}

const values = new Map<number, Buffer>();
const log = await openKafkaLog(settings('none'));
const openers = [() => ours('none'), asItComes, platformatic];
for (const workload of workloads) {
  const samples = new Map<string, Sample[]>();
  const note = (what: string, client: Client, sample: Sample) => {
    const name = `${what} | ${client.name}`;
    samples.set(name, [...(samples.get(name) ?? []), sample]);
  };
  // The first round warms the broker up; then each client is the first one in turn.
  for (let round = 0; round <= Number(rounds); round++)
    for (const turn of openers.keys()) {
      const client = await openers[(turn + round) % openers.length]!();
      if (client === undefined) continue;
      const topic = `clients-${randomUUID()}`;
      await log.createTopics([definition(topic)]);
      await client.produce(topic, recordsOf(workload, 0)); // connects
      const count = workload.recordsPerCall * workload.calls;
      const produced = await measured(count, () => produceAll(client, topic, workload));
      const consumed = await measured(count, (onFirst) => client.consume(topic, count, onFirst));
      if (round > 0) {
        note('produce', client, produced);
        note('consume', client, consumed);
      }
      await client.close();
      await log.deleteTopic(topic);
    }
  for (const [name, all] of [...samples].toSorted()) console.log(`${workload.name} | ${name} | ${summary(all)}`);
}
await log.close();

async function produceAll(client: Client, topic: string, workload: Workload): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let call = next++; call < workload.calls; call = next++)
      await client.produce(topic, recordsOf(workload, call));
  };
  await Promise.all(Array.from({ length: workload.atOnce }, lane));
}

async function ours(compression: KafkaSettings['compression']): Promise<Client> {
  const own = await openKafkaLog(settings(compression));
  return {
    name: 'Sluice',
    produce: (topic, records) => own.produce(topic, records),
    consume: async (topic, count, onFirst) => {
      let left = count;
      const done = Promise.withResolvers<void>();
      await own.subscribe({
        group: randomUUID(),
        topics: [topic],
        maxBatchRecords: 10_000,
        onBatch: async ({ records }) => {
          if (left === count) onFirst();
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
    consume: async (topic, count, onFirst) => {
      let left = count;
      const done = Promise.withResolvers<void>();
      const consumer = kafka.consumer({ groupId: randomUUID(), maxBytesPerPartition: 8 << 20, maxBytes: 32 << 20 });
      consumers.push(consumer);
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await consumer.run({
        partitionsConsumedConcurrently: PARTITIONS,
        eachBatch: async ({ batch }) => {
          if (left === count) onFirst();
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
    consume: async (topic, count, onFirst) => {
      const consumer = new library.Consumer({ ...common, groupId: randomUUID(), maxWaitTime: 500, maxBytes: 32 << 20 });
      consumers.push(consumer);
      const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: true });
      let left = count;
      for await (const _ of stream) {
        if (left === count) onFirst();
        if (--left <= 0) break;
      }
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

function recordsOf({ recordsPerCall, bytes }: Workload, call: number): ProduceRecord[] {
  const value = values.get(bytes) ?? Buffer.alloc(bytes, 1);
  values.set(bytes, value);
  const first = call * recordsPerCall;
  return Array.from({ length: recordsPerCall }, (_, n) => ({ key: `client-${(first + n) % CLIENTS}`, value }));
}

/** A rate of none where it fails or does not finish in time. */
async function measured(count: number, action: (onFirst: () => void) => Promise<unknown>): Promise<Sample> {
  const start = performance.now();
  const usage = process.cpuUsage();
  let first: number | undefined;
  const done = action(() => {
    first = performance.now();
  }).then(
    () => true,
    (error: Error) => {
      console.error(error.message);
      return false;
    },
  );
  const inTime = await Promise.race([done, sleep(DEADLINE_MS, false, { ref: false })]);
  const { user, system } = process.cpuUsage(usage);
  return {
    recordsPerSecond: inTime ? (count * 1000) / (performance.now() - start) : 0,
    processorUsPerRecord: (user + system) / count,
    ...(first !== undefined && { firstMs: first - start }),
  };
}

function summary(samples: readonly Sample[]): string {
  const firstMs = samples.flatMap((sample) => sample.firstMs ?? []);
  return [
    `${rounded(median(samples.map(({ recordsPerSecond }) => recordsPerSecond)))} records/s`,
    `${rounded(median(samples.map(({ processorUsPerRecord }) => processorUsPerRecord)))} us of processor time a record`,
    ...(firstMs.length > 0 ? [`first after ${rounded(median(firstMs))} ms`] : []),
  ].join(' | ');
}

function rounded(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
