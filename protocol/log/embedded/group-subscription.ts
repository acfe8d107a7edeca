/**
 * One member of a consumer group: takes the partitions that are meant for it, gives up those that are meant for
 * others, and keeps its position in each.
 *
 * What shall be is in the database (groups.ts). `#reconcile` compares it with what is held here, whenever something changed
 * and at every heartbeat, and starts what brings the two together; so a step that failed is simply taken again.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { OffsetOutOfRangeError } from '../errors.ts';
import type { SubscribeOptions, Subscription, TopicPartition } from '../log.ts';
import { PartitionConsumer } from '../partition-consumer.ts';
import type { ChangeFeed, ChangeListener } from './change-feed.ts';
import type { HeartbeatListener, Heartbeats } from './heartbeats.ts';
import type { ClaimedPartition } from './operations.ts';
import { PositionCommits } from './position-commits.ts';
import type { OwnershipRow, PartitionOfTopic, Reader } from './reader.ts';
import type { WriterClient } from './writer-client.ts';

const RETRY_MS = 200;

export interface GroupDependencies {
  readonly writer: WriterClient;
  readonly reader: Reader;
  readonly feed: ChangeFeed;
  readonly heartbeats: Heartbeats;
  readonly clock: () => number;
  readonly leaseMs: number;
}

/** A partition that this member owns. */
interface Held {
  readonly source: PartitionOfTopic;
  readonly lease: number;
  consumer: PartitionConsumer | undefined;
  /** It is being given up, or has been taken away. */
  leaving: boolean;
  /** Settles once the consumer, if it gets one, is set. */
  started: Promise<void>;
}

export class GroupSubscription implements Subscription, ChangeListener, HeartbeatListener {
  readonly ended: Promise<void>;
  readonly #to: GroupDependencies;
  readonly #options: SubscribeOptions;
  readonly #commits: PositionCommits;
  readonly #held = new Map<number, Held>();
  readonly #end = Promise.withResolvers<void>();
  readonly #work = new Set<Promise<void>>();
  #member: string | undefined;
  #claiming = false;
  #closed: Promise<void> | undefined;

  constructor(dependencies: GroupDependencies, options: SubscribeOptions) {
    this.#to = dependencies;
    this.#options = options;
    this.ended = this.#end.promise;
    this.ended.catch(() => undefined); // whoever does not look at it must not crash by it
    this.#commits = new PositionCommits({
      group: options.group,
      writer: dependencies.writer,
      onFenced: () => this.#reconcile(),
      onError: (error) => this.onError(error),
    });
  }

  /** @throws {UnknownTopicError} */
  async join(): Promise<void> {
    await this.#join();
    this.#to.feed.add(this);
    this.#reconcile();
    // With no say for the consumer, positions are settled when this returns: 'latest' means now.
    if (this.#options.onAssigned === undefined) await Promise.all(this.#work);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close().then(() => this.#end.resolve());
    return this.#closed;
  }

  onEnd(slot: number): void {
    this.#held.get(slot)?.consumer?.wake();
  }

  onMembership(): void {
    this.#reconcile();
  }

  onBeat(): void {
    void this.#commits.flush();
    this.#reconcile();
  }

  onError(error: unknown): void {
    this.#options.onError?.(error);
  }

  onEvicted(): void {
    if (this.#closed !== undefined) return;
    this.#to.heartbeats.delete(this.#member!);
    this.#member = undefined;
    this.#letGo([...this.#held.values()], 'lost');
    this.#do(this.#rejoin());
  }

  async #join(): Promise<void> {
    const member = randomUUID();
    const { group, topics } = this.#options;
    const { writer, clock, leaseMs, heartbeats } = this.#to;
    await writer.call('join', { group, member, topics, leaseMs, now: clock() });
    this.#member = member;
    heartbeats.add(member, this);
  }

  async #rejoin(): Promise<void> {
    while (this.#closed === undefined) {
      try {
        await this.#join();
        this.#reconcile();
        return;
      } catch (error) {
        this.onError(error);
        await sleep(RETRY_MS);
      }
    }
  }

  #reconcile(): void {
    const member = this.#member;
    if (member === undefined || this.#closed !== undefined) return;
    let rows: OwnershipRow[];
    try {
      rows = this.#to.reader.ownership(this.#options.group);
    } catch (error) {
      this.onError(error); // the next heartbeat looks again
      return;
    }
    const owned = new Map(rows.filter(({ owner }) => owner === member).map((row) => [row.slot, row]));
    const staying = [...this.#held.values()].filter(({ leaving }) => !leaving);
    const isOwned = ({ source, lease }: Held) => owned.get(source.slot)?.lease === lease;
    this.#letGo(
      staying.filter((held) => !isOwned(held)),
      'lost',
    );
    this.#letGo(
      staying.filter((held) => isOwned(held) && owned.get(held.source.slot)!.target !== member),
      'revoked',
    );
    if (this.#claiming) return;
    const orphans = [...owned.values()].filter(({ slot }) => !this.#held.has(slot));
    if (orphans.length > 0) this.#do(this.#release(orphans)); // an earlier release did not get through
    const free = rows.filter(({ owner, target, slot }) => owner === null && target === member && !this.#held.has(slot));
    if (free.length > 0) this.#do(this.#claim(member, free));
  }

  async #claim(member: string, free: readonly OwnershipRow[]): Promise<void> {
    this.#claiming = true;
    let claimed: readonly ClaimedPartition[];
    try {
      const slots = free.map(({ slot }) => slot);
      claimed = await this.#to.writer.call('claim', { group: this.#options.group, member, slots });
      if (this.#member !== member || this.#closed !== undefined) return;
      const sources = new Map(free.map((row) => [row.slot, row]));
      for (const [topic, ofTopic] of Map.groupBy(claimed, ({ slot }) => sources.get(slot)!.topic)) {
        const partitions = ofTopic.map(({ slot, lease, committed }) => {
          const { partition } = sources.get(slot)!;
          const source = { slot, topic, partition };
          const held: Held = { source, lease, consumer: undefined, leaving: false, started: Promise.resolve() };
          this.#held.set(slot, held);
          return { held, committed };
        });
        const started = this.#start(topic, partitions);
        for (const { held } of partitions) held.started = started;
        this.#do(started);
      }
    } finally {
      this.#claiming = false;
    }
    this.#reconcile();
  }

  async #start(topic: string, partitions: { held: Held; committed: number | undefined }[]): Promise<void> {
    const starts = this.#options.onAssigned === undefined ? undefined : await this.#assigned(partitions);
    const watermarks = new Map(this.#to.reader.watermarks(topic).map((row) => [row.slot, row]));
    for (const { held, committed } of partitions) {
      const range = watermarks.get(held.source.slot);
      if (held.leaving || range === undefined) continue;
      const { partition } = held.source;
      const origin = this.#options.startAt === 'latest' ? range.end : range.earliest;
      const position = starts?.get(partition) ?? committed ?? origin;
      if (position > range.end) return this.#fail(new OffsetOutOfRangeError(topic, partition, position, range.end));
      // A group that begins at the end is at the end, also for a member that takes over before the first record.
      if (committed === undefined && this.#options.startAt === 'latest')
        this.#commits.advance(held.source.slot, held.lease, position);
      held.consumer = this.#consume(held, position);
    }
  }

  async #assigned(partitions: { held: Held }[]): Promise<ReadonlyMap<number, number> | undefined> {
    while (partitions.some(({ held }) => !held.leaving)) {
      try {
        return await this.#options.onAssigned?.(partitions.map(({ held }) => topicPartition(held)));
      } catch (error) {
        this.onError(error);
        await sleep(RETRY_MS);
      }
    }
    return undefined;
  }

  #consume({ source, lease }: Held, position: number): PartitionConsumer {
    const { maxBatchRecords = 500, maxBatchBytes = 8 << 20, onBatch } = this.#options;
    const limits = { records: maxBatchRecords, bytes: maxBatchBytes };
    return new PartitionConsumer({
      source,
      position,
      onBatch,
      fetch: (from) => this.#to.reader.fetch(source, from, limits),
      onProgress: (done) => this.#commits.advance(source.slot, lease, done),
      onError: (error) => this.onError(error),
    });
  }

  /** Stops consuming: at once no new batches, then, when pending ones have settled, the partitions are others'. */
  #letGo(partitions: readonly Held[], why: 'revoked' | 'lost'): void {
    const letting = partitions.filter(({ leaving }) => !leaving);
    if (letting.length === 0) return;
    for (const held of letting) held.leaving = true;
    this.#do(
      this.#settle(letting).then(async () => {
        if (why === 'revoked') await this.#release(letting.map(({ source, lease }) => ({ slot: source.slot, lease })));
        for (const { source } of letting) this.#held.delete(source.slot);
        this.#reconcile();
      }),
    );
  }

  async #settle(partitions: readonly Held[]): Promise<void> {
    await Promise.all(
      partitions.map(async (held) => {
        held.consumer?.stop();
        await held.started.catch(() => undefined);
        await held.consumer?.stop();
      }),
    );
    await this.#commits.flush();
    try {
      await this.#options.onRevoked?.(partitions.map(topicPartition));
    } catch (error) {
      this.onError(error);
    }
  }

  async #release(leases: readonly { slot: number; lease: number }[]): Promise<void> {
    const own = leases.map(({ slot, lease }) => ({ slot, lease }));
    await this.#to.writer.call('release', { group: this.#options.group, leases: own });
  }

  async #close(): Promise<void> {
    const staying = [...this.#held.values()].filter(({ leaving }) => !leaving);
    for (const held of staying) held.leaving = true;
    // Heartbeats go on until the handlers have settled: nobody else begins before.
    await this.#settle(staying);
    await Promise.allSettled(this.#work);
    this.#to.feed.delete(this);
    if (this.#member === undefined) return;
    this.#to.heartbeats.delete(this.#member);
    try {
      await this.#to.writer.call('leave', { group: this.#options.group, member: this.#member });
    } catch (error) {
      this.onError(error); // the lease runs out
    }
  }

  #fail(error: unknown): void {
    this.#closed ??= this.#close().then(() => this.#end.reject(error));
  }

  /** Keeps track of work that goes on by itself, and reports what it throws: the next heartbeat takes the step again. */
  #do(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.onError(error))
      .finally(() => {
        this.#work.delete(tracked);
      });
    this.#work.add(tracked);
  }
}

function topicPartition({ source }: Held): TopicPartition {
  return { topic: source.topic, partition: source.partition };
}
