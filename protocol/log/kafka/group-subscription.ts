/**
 * A subscription as a member of a group: brings what this member holds in line with what the group's leader assigned to it.
 *
 * What is assigned anew is taken at once; what is assigned no longer is given up as its handlers settle, and then the
 * member joins again, which lets the leader pass it on.
 */
import { randomUUID } from 'node:crypto';
import { OffsetOutOfRangeError } from '../errors.ts';
import { HeldPartitions } from '../held-partitions.ts';
import type { PartitionLag, SubscribeOptions, Subscription, TopicPartition } from '../log.ts';
import type { KafkaClient } from './client.ts';
import type { Fetcher } from './fetcher.ts';
import { GroupMembership } from './group-membership.ts';
import { OffsetCommits } from './offset-commits.ts';
import type { Offsets } from './offsets.ts';
import { PartitionReader } from './partition-reader.ts';
import type { TopicDirectory } from './topic-directory.ts';

export interface KafkaDependencies {
  readonly client: KafkaClient;
  readonly directory: TopicDirectory;
  readonly offsets: Offsets;
  readonly fetcher: Fetcher;
  readonly sessionTimeoutMs: number;
}

export class GroupSubscription implements Subscription {
  readonly ended: Promise<void>;
  readonly #options: SubscribeOptions;
  readonly #membership: GroupMembership;
  readonly #commits: OffsetCommits;
  readonly #held: HeldPartitions<TopicPartition>;
  readonly #readers = new Map<string, PartitionReader>();
  readonly #asked = new Map<string, Promise<PartitionLag[]>>();
  readonly #end = Promise.withResolvers<void>();
  readonly #joined = Promise.withResolvers<void>();
  readonly #work = new Set<Promise<void>>();
  #assigned: readonly TopicPartition[] = [];
  #closed: Promise<void> | undefined;

  constructor(dependencies: KafkaDependencies, options: SubscribeOptions) {
    const { client, directory, offsets, fetcher, sessionTimeoutMs } = dependencies;
    const { group, topics, maxBatchRecords = 500, maxBatchBytes = 8 << 20 } = options;
    this.#options = options;
    this.ended = this.#end.promise;
    this.ended.catch(() => undefined); // whoever does not look at it must not crash by it
    const onError = (error: unknown) => options.onError?.(error);
    this.#membership = new GroupMembership({
      client,
      directory,
      lane: `group ${randomUUID()}`,
      group,
      topics,
      sessionTimeoutMs,
      held: () => this.#held.all().map(({ source }) => source),
      onAssignment: (partitions) => this.#assign(partitions),
      onLost: () => this.#lose(),
      onError,
    });
    this.#commits = new OffsetCommits({
      current: () => this.#membership.current,
      holds: (partition) => this.#held.has(partition),
      onError,
    });
    const limits = { records: maxBatchRecords, bytes: maxBatchBytes };
    this.#held = new HeldPartitions({
      subscription: options,
      range: async (source) => {
        this.#readers.set(keyOf(source), new PartitionReader(fetcher, directory, offsets, source, limits));
        return (await this.#ranges(offsets, source.topic))[source.partition]!;
      },
      fetch: async (source, position, signal) => {
        try {
          return await this.#readers.get(keyOf(source))!.fetch(position, signal);
        } catch (error) {
          // Another incarnation of the topic: the group has no position there yet.
          if (error instanceof OffsetOutOfRangeError) this.#begin(source);
          throw error;
        }
      },
      onProgress: (source, position) => this.#commits.advance(source, position),
      flush: () => this.#commits.flush(),
      onError,
      onFatal: (error) => this.#fail(error),
    });
  }

  async join(): Promise<void> {
    this.#membership.start();
    await this.#joined.promise;
    // With no say for the consumer, positions are settled when this returns: 'latest' means now.
    if (this.#options.onAssigned === undefined) await Promise.all(this.#work);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close().then(() => this.#end.resolve());
    return this.#closed;
  }

  #assign(partitions: readonly TopicPartition[]): void {
    if (this.#closed !== undefined) return;
    this.#assigned = partitions;
    const wanted = new Set(partitions.map(keyOf));
    const revoked = this.#held.all().filter(({ source, leaving }) => !leaving && !wanted.has(keyOf(source)));
    this.#takeMissing();
    if (revoked.length > 0)
      this.#do(
        this.#held.giveUp(revoked).then(() => {
          this.#takeMissing();
          this.#membership.rejoin();
        }),
      );
    this.#joined.resolve();
  }

  #takeMissing(): void {
    if (this.#closed !== undefined) return;
    // What is still being given up is taken when that is done.
    const missing = this.#assigned.filter((partition) => !this.#held.has(partition));
    if (missing.length > 0) this.#do(this.#held.take(missing));
  }

  /** Those partitions of a topic that are taken in one turn ask once. Whoever comes later must hear what holds then. */
  #ranges(offsets: Offsets, topic: string): Promise<PartitionLag[]> {
    const asked =
      this.#asked.get(topic) ??
      Promise.resolve().then(() => {
        this.#asked.delete(topic);
        return offsets.lag(this.#options.group, topic);
      });
    this.#asked.set(topic, asked);
    return asked;
  }

  #lose(): void {
    this.#assigned = [];
    this.#do(this.#held.giveUp(this.#held.all()).then(() => this.#takeMissing()));
  }

  #begin({ topic, partition }: TopicPartition): void {
    const holding = this.#held.all().filter(({ source }) => source.topic === topic && source.partition === partition);
    this.#do(this.#held.giveUp(holding).then(() => this.#takeMissing()));
  }

  async #close(): Promise<void> {
    // Heartbeats go on until the handlers have settled: nobody else begins before.
    await this.#held.giveUp(this.#held.all());
    await Promise.allSettled(this.#work);
    await this.#membership.leave();
    this.#joined.resolve();
  }

  #fail(error: unknown): void {
    this.#closed ??= this.#close().then(() => this.#end.reject(error));
  }

  #do(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#options.onError?.(error))
      .finally(() => {
        this.#work.delete(tracked);
      });
    this.#work.add(tracked);
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${partition}/${topic}`;
}
