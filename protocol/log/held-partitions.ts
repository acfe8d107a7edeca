/**
 * The partitions that a member of a consumer group holds, from being given them to having given them up: the part of
 * membership that is the same for every log.
 *
 * take: onAssigned → position → consume. give up: no new batches at once; pending ones settle; positions are stored;
 * onRevoked. Only then may someone else have the partition, so whoever calls `giveUp` waits for it before saying so.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { OffsetOutOfRangeError } from './errors.ts';
import type { SubscribeOptions, TopicPartition } from './log.ts';
import { type Fetched, PartitionConsumer } from './partition-consumer.ts';

const RETRY_MS = 200;

/** What a partition holds, and how far the group has come in it. */
export interface GroupRange {
  readonly earliest: number;
  readonly end: number;
  readonly committed: number | undefined;
}

export interface Holding<S extends TopicPartition> {
  readonly source: S;
  /** It is being given up. */
  readonly leaving: boolean;
}

interface Held<S extends TopicPartition> extends Holding<S> {
  leaving: boolean;
  consumer: PartitionConsumer | undefined;
  started: Promise<void>;
}

export interface HeldPartitionsOptions<S extends TopicPartition> {
  readonly subscription: SubscribeOptions;
  readonly range: (source: S) => GroupRange | Promise<GroupRange>;
  readonly fetch: (source: S, position: number, signal: AbortSignal) => Fetched | Promise<Fetched>;
  /** The group has done all before `position`. */
  readonly onProgress: (source: S, position: number) => void;
  /** Stores what onProgress was told, as far as that is possible. */
  readonly flush: () => Promise<void>;
  /** What is retried. */
  readonly onError: (error: unknown) => void;
  /** What retrying cannot mend. */
  readonly onFatal: (error: unknown) => void;
}

export class HeldPartitions<S extends TopicPartition> {
  readonly #options: HeldPartitionsOptions<S>;
  readonly #held = new Map<string, Held<S>>();

  constructor(options: HeldPartitionsOptions<S>) {
    this.#options = options;
  }

  has(partition: TopicPartition): boolean {
    return this.#held.has(keyOf(partition));
  }

  all(): readonly Holding<S>[] {
    return [...this.#held.values()];
  }

  wake(partition: TopicPartition): void {
    this.#held.get(keyOf(partition))?.consumer?.wake();
  }

  /** Begins to consume; resolves when all of them have begun or are being given up again. */
  async take(sources: readonly S[]): Promise<void> {
    const starts = [...Map.groupBy(sources, ({ topic }) => topic).values()].map((ofTopic) => {
      const taken = ofTopic.map((source): Held<S> => {
        const held = { source, leaving: false, consumer: undefined, started: Promise.resolve() };
        this.#held.set(keyOf(source), held);
        return held;
      });
      const started = this.#start(taken);
      for (const held of taken) held.started = started;
      return started;
    });
    await Promise.all(starts);
  }

  /** Resolves when nothing of them is in work any more. Those that are being given up already are left to who did so. */
  async giveUp(holdings: readonly Holding<S>[]): Promise<void> {
    const leaving = holdings
      .map(({ source }) => this.#held.get(keyOf(source)))
      .filter((held) => held?.leaving === false);
    if (leaving.length === 0) return;
    const all = leaving as Held<S>[];
    for (const held of all) held.leaving = true;
    await Promise.all(
      all.map(async (held) => {
        const stopped = held.consumer?.stop();
        await held.started;
        await stopped;
        await held.consumer?.stop();
      }),
    );
    await this.#options.flush();
    try {
      await this.#options.subscription.onRevoked?.(all.map(topicPartition));
    } catch (error) {
      this.#options.onError(error);
    }
    for (const { source } of all) this.#held.delete(keyOf(source));
  }

  /** Never rejects: it begins, is given up, or the subscription ends. */
  async #start(taken: readonly Held<S>[]): Promise<void> {
    const starts = await this.#untilGivenUp(taken, async () =>
      this.#options.subscription.onAssigned?.(taken.map(topicPartition)),
    );
    await Promise.all(
      taken.map(async (held) => {
        const range = await this.#untilGivenUp([held], async () => this.#options.range(held.source));
        if (held.leaving || range === undefined) return;
        this.#begin(held, range, starts?.get(held.source.partition));
      }),
    );
  }

  #begin(held: Held<S>, range: GroupRange, wanted: number | undefined): void {
    const { source } = held;
    const { startAt, onBatch } = this.#options.subscription;
    const origin = startAt === 'latest' ? range.end : range.earliest;
    const position = wanted ?? range.committed ?? origin;
    if (position > range.end) {
      this.#options.onFatal(new OffsetOutOfRangeError(source.topic, source.partition, position, range.end));
      return;
    }
    // A group that begins at the end is at the end, also for a member that takes over before the first record.
    if (range.committed === undefined && startAt === 'latest') this.#options.onProgress(source, position);
    held.consumer = new PartitionConsumer({
      source,
      position,
      onBatch,
      fetch: (from, signal) => this.#options.fetch(source, from, signal),
      onProgress: (done) => this.#options.onProgress(source, done),
      onError: this.#options.onError,
    });
  }

  async #untilGivenUp<T>(holdings: readonly Held<S>[], action: () => Promise<T>): Promise<T | undefined> {
    while (holdings.some(({ leaving }) => !leaving)) {
      try {
        return await action();
      } catch (error) {
        this.#options.onError(error);
        await sleep(RETRY_MS);
      }
    }
    return undefined;
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${partition}/${topic}`;
}

function topicPartition({ source }: Holding<TopicPartition>): TopicPartition {
  return { topic: source.topic, partition: source.partition };
}
