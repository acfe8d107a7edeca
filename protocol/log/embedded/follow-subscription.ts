/** Consumes given partitions from given positions; whoever follows keeps the position. */
import { OffsetOutOfRangeError, UnknownTopicError } from '../errors.ts';
import type { FollowOptions, Subscription } from '../log.ts';
import { PartitionConsumer } from '../partition-consumer.ts';
import type { ChangeFeed, ChangeListener } from './change-feed.ts';
import type { Reader } from './reader.ts';

export class FollowSubscription implements Subscription, ChangeListener {
  readonly ended: Promise<void>;
  readonly #reader: Reader;
  readonly #feed: ChangeFeed;
  readonly #options: FollowOptions;
  readonly #consumers = new Map<number, PartitionConsumer>();
  readonly #end = Promise.withResolvers<void>();
  #closed: Promise<void> | undefined;

  /** @throws {UnknownTopicError | OffsetOutOfRangeError} */
  constructor(reader: Reader, feed: ChangeFeed, options: FollowOptions) {
    this.#reader = reader;
    this.#feed = feed;
    this.#options = options;
    this.ended = this.#end.promise;
    this.ended.catch(() => undefined); // whoever does not look at it must not crash by it
    this.#start();
    feed.add(this);
  }

  close(): Promise<void> {
    this.#closed ??= this.#stop().then(() => this.#end.resolve());
    return this.#closed;
  }

  onEnd(slot: number): void {
    this.#consumers.get(slot)?.wake();
  }

  onMembership(): void {
    const { topic } = this.#options;
    let slots: Set<number>;
    try {
      slots = new Set(this.#reader.watermarks(topic).map(({ slot }) => slot));
    } catch (error) {
      if (error instanceof UnknownTopicError) this.#fail(error);
      else this.onError(error);
      return;
    }
    // A topic of the same name whose partitions are others: it was recreated.
    if (![...this.#consumers.keys()].every((slot) => slots.has(slot))) this.#fail(new UnknownTopicError(topic));
  }

  onError(error: unknown): void {
    this.#options.onError?.(error);
  }

  #start(): void {
    const { topic, from, onBatch, maxBatchRecords = 500, maxBatchBytes = 8 << 20 } = this.#options;
    const limits = { records: maxBatchRecords, bytes: maxBatchBytes };
    const ranges = this.#reader.watermarks(topic);
    for (const [partition, offset] of from) {
      const end = ranges[partition]?.end ?? 0;
      if (ranges[partition] === undefined || offset > end)
        throw new OffsetOutOfRangeError(topic, partition, offset, end);
    }
    for (const { slot, partition, earliest } of ranges) {
      const position = from.get(partition);
      if (position === undefined) continue;
      const source = { slot, topic, partition };
      const consumer = new PartitionConsumer({
        source,
        position: Math.max(position, earliest),
        onBatch,
        fetch: (next) => this.#reader.fetch(source, next, limits),
        onProgress: () => undefined,
        onError: (error) => this.onError(error),
      });
      this.#consumers.set(slot, consumer);
    }
  }

  #fail(error: unknown): void {
    this.#closed ??= this.#stop().then(() => this.#end.reject(error));
  }

  async #stop(): Promise<void> {
    this.#feed.delete(this);
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.stop()));
  }
}
