/** Consumes given partitions from given positions, outside any group; whoever follows keeps the position. */
import { OffsetOutOfRangeError, UnknownTopicError } from '../errors.ts';
import type { FollowOptions, Subscription } from '../log.ts';
import { PartitionConsumer } from '../partition-consumer.ts';
import type { KafkaDependencies } from './group-subscription.ts';
import { PartitionReader } from './partition-reader.ts';

export class FollowSubscription implements Subscription {
  readonly ended: Promise<void>;
  readonly #dependencies: KafkaDependencies;
  readonly #options: FollowOptions;
  readonly #consumers: PartitionConsumer[] = [];
  readonly #end = Promise.withResolvers<void>();
  #closed: Promise<void> | undefined;

  constructor(dependencies: KafkaDependencies, options: FollowOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.ended = this.#end.promise;
    this.ended.catch(() => undefined); // whoever does not look at it must not crash by it
  }

  /** @throws {UnknownTopicError | OffsetOutOfRangeError | KafkaFault} */
  async start(): Promise<void> {
    const { fetcher, directory, offsets } = this.#dependencies;
    const { topic, from, onBatch, maxBatchRecords = 500, maxBatchBytes = 8 << 20 } = this.#options;
    const ranges = await offsets.watermarks(topic);
    const positions = [...from].map(([partition, offset]) => {
      const range = ranges[partition];
      if (range === undefined || offset > range.end)
        throw new OffsetOutOfRangeError(topic, partition, offset, range?.end ?? 0);
      return { partition, position: Math.max(offset, range.earliest) };
    });
    for (const { partition, position } of positions) {
      const source = { topic, partition };
      const limits = { records: maxBatchRecords, bytes: maxBatchBytes };
      const reader = new PartitionReader(fetcher, directory, offsets, source, limits);
      const consumer = new PartitionConsumer({
        source,
        position,
        onBatch,
        fetch: (next, signal) => reader.fetch(next, signal),
        onProgress: () => undefined,
        onError: (error) => this.#judge(error),
      });
      this.#consumers.push(consumer);
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#stop().then(() => this.#end.resolve());
    return this.#closed;
  }

  #judge(error: unknown): void {
    if (error instanceof OffsetOutOfRangeError || error instanceof UnknownTopicError)
      this.#closed ??= this.#stop().then(() => this.#end.reject(error));
    else this.#options.onError?.(error);
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.stop()));
  }
}
