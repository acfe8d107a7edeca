/** Consumes results-1 and keeps the book of each partition that this process is given. */
import type { Logger } from 'pino';
import type { TokenVerifier } from '../../protocol/claims/verifier.ts';
import type { Batch, Log, Subscription, TopicPartition } from '../../protocol/log/log.ts';
import { RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import type { SummaryConfig } from './config.ts';
import { type Fact, readFact, UnsoundRecord } from './fact.ts';
import { PartitionBook } from './partition-book.ts';
import { PartitionRunner } from './partition-runner.ts';
import { PartitionStore } from './store.ts';
import { dayOf } from './usage.ts';

export const SUMMARY_GROUP = 'summary';

/** A batch is folded and saved without a break: small ones leave room for whatever else this thread does. */
const MAX_BATCH_RECORDS = 100;
const TICK_MS = 500;
const EXPIRE_EVERY_TICKS = 120;
const DAY_MS = 24 * 3_600_000;
/** Room for the envelope around a summary, and what the log adds. */
const ENVELOPE_BYTES = 64 << 10;

export interface SummariserDependencies {
  readonly log: Log;
  readonly verifier: TokenVerifier;
  readonly logger: Logger;
  readonly folder: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly onSummaries: (count: number) => void;
  readonly onUnsound: () => void;
}

export interface Summariser extends Subscription {
  /** The partitions that are held, by number. */
  readonly partitions: ReadonlyMap<number, PartitionRunner>;
}

/** Resolves once a member of the group. */
export async function startSummariser(
  dependencies: SummariserDependencies,
  config: SummaryConfig,
): Promise<Summariser> {
  const partitions = new Map<number, PartitionRunner>();
  const { log } = dependencies;
  const topic = await log.describeTopic(RESULTS_TOPIC);
  const stopped = new AbortController();
  const fault = Promise.withResolvers<never>();
  const subscription = await log.subscribe({
    group: SUMMARY_GROUP,
    topics: [RESULTS_TOPIC],
    maxBatchRecords: MAX_BATCH_RECORDS,
    onAssigned: async (assigned) => {
      const watermarks = new Map((await log.watermarks(RESULTS_TOPIC)).map((each) => [each.partition, each]));
      const positions = new Map<number, number>();
      for (const { partition } of assigned) {
        const runner = openRunner(partition, watermarks.get(partition)!);
        partitions.set(partition, runner);
        positions.set(partition, runner.book.position);
      }
      return positions;
    },
    onRevoked: (revoked) => release(revoked.map(({ partition }) => partition)),
    onBatch: async (batch) => {
      const records = await Promise.all(
        batch.records.map(async (record) => ({ offset: record.offset, fact: await factOf(record) })),
      );
      await runnerOf(batch).take(records, batch.signal);
    },
    onError: (error) => dependencies.logger.warn({ err: error }, 'summaries wait'),
  });
  let ticks = 0;
  let ticking: Promise<unknown> = Promise.resolve();
  const ticker = setInterval(() => {
    ticks += 1;
    ticking = ticking
      .then(() => tick(ticks))
      .catch((error: unknown) => {
        if (!stopped.signal.aborted) dependencies.logger.warn({ err: error }, 'time does not pass for the summaries');
      });
  }, TICK_MS);

  return {
    partitions,
    ended: Promise.race([subscription.ended, fault.promise]),
    async close() {
      clearInterval(ticker);
      stopped.abort(new Error('the summary service is stopping'));
      await subscription.close();
      await ticking;
      await release([...partitions.keys()]);
    },
  };

  function openRunner(partition: number, ends: { earliest: number; end: number }): PartitionRunner {
    const store = PartitionStore.open(dependencies.folder, partition, topic.epoch);
    const rules = {
      defaultDeadlineMs: config.deadlineMs === 0 ? undefined : config.deadlineMs,
      revisionIntervalMs: config.revisionIntervalMs,
      maxSummaryBytes: topic.definition.maxMessageBytes - ENVELOPE_BYTES,
    };
    return new PartitionRunner({
      log,
      logger: dependencies.logger.child({ partition }),
      book: new PartitionBook(store, rules, ends),
      store,
      storeOutageMs: config.storeOutageMs,
      monotonic: () => performance.now(),
      onSummaries: dependencies.onSummaries,
      onFault: fault.reject,
    });
  }

  async function release(numbers: readonly number[]): Promise<void> {
    for (const number of numbers) {
      const runner = partitions.get(number);
      partitions.delete(number);
      await runner?.close();
    }
  }

  function runnerOf({ partition }: TopicPartition | Batch): PartitionRunner {
    const runner = partitions.get(partition);
    if (runner === undefined) throw new Error(`partition ${partition} is not held`);
    return runner;
  }

  async function factOf(record: Batch['records'][number]): Promise<Fact | undefined> {
    try {
      return await readFact(record, dependencies.verifier);
    } catch (error) {
      if (!(error instanceof UnsoundRecord)) throw error;
      const { partition, offset } = record;
      dependencies.onUnsound();
      dependencies.logger.warn({ partition, offset, cause: error.message }, 'a record is passed over');
      return undefined;
    }
  }

  async function tick(count: number): Promise<void> {
    // Asked before the records are counted: what comes after is none of this tick's business.
    const now = dependencies.now();
    for (const { partition, end } of await log.watermarks(RESULTS_TOPIC)) {
      const runner = partitions.get(partition);
      await runner?.pass(end, now - config.graceMs, stopped.signal);
      if (runner !== undefined && count % EXPIRE_EVERY_TICKS === 0) expire(runner);
    }
  }

  function expire(runner: PartitionRunner): void {
    const { streamTime } = runner.book;
    runner.store.expire(streamTime - config.retentionMs, dayOf(streamTime - config.usageRetentionDays * DAY_MS));
  }
}
