/**
 * Measures what roles do with the log: the composition root wraps it for each, and production, consumption and lag are
 * visible without a line in any role.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Batch, BatchHandler, Log, ProduceRecord } from '../log/log.ts';
import { overrideLog } from '../log/override-log.ts';

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** How long a record waited: from at once to the backlog of a day. */
const DELAY_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86_400];
const RECORDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/** Gives a role its log; `role` becomes a label, so that the metrics tell who writes and reads what. */
export type MeasureLog = (log: Log, role: string) => Log;

/** @param now milliseconds since the epoch, by the clock that stamps records */
export function logMeasurement(registry: Registry, now: () => number): MeasureLog {
  const producing = producerMetrics(registry);
  const consuming = consumerMetrics(registry, now);
  const groups = new Map<string, ConsumedTopic>();
  registerLag(registry, groups);
  return (log, role) =>
    overrideLog(log, {
      produce: (topic, records) => producing({ role, topic }, records, () => log.produce(topic, records)),
      subscribe: (options) => {
        const { group } = options;
        for (const topic of options.topics) groups.set(`${group} ${topic}`, { log, role, group, topic });
        return log.subscribe({ ...options, onBatch: consuming({ role, group }, options.onBatch) });
      },
      // Without a group the reader's own store has the position, and the reader's own metrics tell its lag.
      follow: (options) => log.follow({ ...options, onBatch: consuming({ role, group: '' }, options.onBatch) }),
    });
}

interface ConsumedTopic {
  readonly log: Log;
  readonly role: string;
  readonly group: string;
  readonly topic: string;
}

function producerMetrics(registry: Registry) {
  const registers = [registry];
  const labelNames = ['role', 'topic'];
  const records = new Counter({
    name: 'sluice_log_produced_records_total',
    help: 'Records acknowledged by the log',
    labelNames,
    registers,
  });
  const bytes = new Counter({
    name: 'sluice_log_produced_bytes_total',
    help: 'Bytes of the values of acknowledged records',
    labelNames,
    registers,
  });
  const errors = new Counter({
    name: 'sluice_log_produce_errors_total',
    help: 'Produce calls that the log did not acknowledge',
    labelNames: ['role', 'topic', 'error'],
    registers,
  });
  const seconds = new Histogram({
    name: 'sluice_log_produce_seconds',
    help: 'From handing records over to their acknowledgement',
    labelNames,
    buckets: SECONDS,
    registers,
  });
  type Labels = { readonly role: string; readonly topic: string };
  return async <T>(labels: Labels, produced: readonly ProduceRecord[], run: () => Promise<T>): Promise<T> => {
    const done = seconds.startTimer(labels);
    try {
      const result = await run();
      records.inc(labels, produced.length);
      bytes.inc(labels, bytesOf(produced));
      return result;
    } catch (error) {
      errors.inc({ ...labels, error: (error as Error).name });
      throw error;
    } finally {
      done();
    }
  };
}

function consumerMetrics(registry: Registry, now: () => number) {
  const registers = [registry];
  const labelNames = ['role', 'group', 'topic'];
  const delay = new Histogram({
    name: 'sluice_consumer_delay_seconds',
    help: "How long a batch's oldest record had lain on the log when its consumer took it",
    labelNames,
    buckets: DELAY_SECONDS,
    registers,
  });
  const batchRecords = new Histogram({
    name: 'sluice_consumer_batch_records',
    help: 'Records in a batch',
    labelNames,
    buckets: RECORDS,
    registers,
  });
  const batchSeconds = new Histogram({
    name: 'sluice_consumer_batch_seconds',
    help: 'From taking a batch to having dealt with all of it',
    labelNames,
    buckets: SECONDS,
    registers,
  });
  const errors = new Counter({
    name: 'sluice_consumer_errors_total',
    help: 'Batches that were given back to come again',
    labelNames,
    registers,
  });
  return (consumer: { readonly role: string; readonly group: string }, handle: BatchHandler): BatchHandler =>
    async (batch: Batch) => {
      const labels = { ...consumer, topic: batch.topic };
      // Clocks of two machines differ a little: what seems to come from the future waited for nothing.
      delay.observe(labels, Math.max(0, now() - batch.records[0]!.timestamp) / 1000);
      batchRecords.observe(labels, batch.records.length);
      const done = batchSeconds.startTimer(labels);
      try {
        await handle(batch);
      } catch (error) {
        errors.inc(labels);
        throw error;
      } finally {
        done();
      }
    };
}

function registerLag(registry: Registry, consumed: ReadonlyMap<string, ConsumedTopic>): void {
  new Gauge({
    name: 'sluice_consumer_lag_records',
    help: 'Records between the committed position of a group and the end of the partition',
    labelNames: ['role', 'group', 'topic', 'partition'],
    registers: [registry],
    async collect() {
      const found = await Promise.allSettled([...consumed.values()].map(lagOf));
      // A log that does not answer leaves no value: an old one would look like a consumer that keeps up.
      this.reset();
      for (const outcome of found)
        if (outcome.status === 'fulfilled') for (const { labels, lag } of outcome.value) this.set(labels, lag);
    },
  });
}

async function lagOf({ log, role, group, topic }: ConsumedTopic) {
  const partitions = await log.lag(group, topic);
  return partitions.map(({ partition, lag }) => ({ labels: { role, group, topic, partition }, lag }));
}

function bytesOf(records: readonly ProduceRecord[]): number {
  return records.reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0);
}
