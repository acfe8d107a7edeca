/**
 * One member of a consumer group: takes the partitions that are meant for it, gives up those that are meant for
 * others, and keeps its position in each.
 *
 * What shall be is in the database (groups.ts). `#reconcile` compares it with what is held here, whenever something changed
 * and at every heartbeat, and starts what brings the two together; so a step that failed is simply taken again.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { UnknownTopicError } from '../errors.ts';
import { HeldPartitions, type Holding } from '../held-partitions.ts';
import type { SubscribeOptions, Subscription, TopicPartition } from '../log.ts';
import type { ChangeFeed, ChangeListener } from './change-feed.ts';
import type { HeartbeatListener, Heartbeats } from './heartbeats.ts';
import type { Lease } from './operations.ts';
import { PositionCommits } from './position-commits.ts';
import type { OwnershipRow, Reader } from './reader.ts';
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

type LeasedPartition = TopicPartition & Lease;

export class GroupSubscription implements Subscription, ChangeListener, HeartbeatListener {
  readonly ended: Promise<void>;
  readonly #to: GroupDependencies;
  readonly #options: SubscribeOptions;
  readonly #commits: PositionCommits;
  readonly #held: HeldPartitions<LeasedPartition>;
  /** Partitions of the slots that this member has come to hold. */
  readonly #partitions = new Map<number, TopicPartition>();
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
    const { group, maxBatchRecords = 500, maxBatchBytes = 8 << 20 } = options;
    const limits = { records: maxBatchRecords, bytes: maxBatchBytes };
    this.#held = new HeldPartitions({
      subscription: options,
      range: ({ topic, partition }) => {
        const range = dependencies.reader.lag(group, topic)[partition];
        if (range === undefined) throw new UnknownTopicError(topic);
        return range;
      },
      fetch: (source, position) => dependencies.reader.fetch(source, position, limits),
      onProgress: ({ slot, lease }, position) => this.#commits.advance(slot, lease, position),
      flush: () => this.#commits.flush(),
      onError: (error) => this.onError(error),
      onFatal: (error) => this.#fail(error),
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
    const partition = this.#partitions.get(slot);
    if (partition !== undefined) this.#held.wake(partition);
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
    this.#giveUp(this.#held.all(), 'lost');
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
    const isOwned = ({ source }: Holding<LeasedPartition>) => owned.get(source.slot)?.lease === source.lease;
    const staying = this.#held.all().filter(({ leaving }) => !leaving);
    const lost = staying.filter((holding) => !isOwned(holding));
    const meantForOthers = ({ source }: Holding<LeasedPartition>) => owned.get(source.slot)?.target !== member;
    const revoked = staying.filter((holding) => isOwned(holding) && meantForOthers(holding));
    this.#giveUp(lost, 'lost');
    this.#giveUp(revoked, 'revoked');
    if (this.#claiming) return;
    const orphans = [...owned.values()].filter((row) => !this.#held.has(row));
    if (orphans.length > 0) this.#do(this.#release(orphans)); // an earlier release did not get through
    const free = rows.filter((row) => row.owner === null && row.target === member && !this.#held.has(row));
    if (free.length > 0) this.#do(this.#claim(member, free));
  }

  async #claim(member: string, free: readonly OwnershipRow[]): Promise<void> {
    this.#claiming = true;
    let started: Promise<void> = Promise.resolve();
    try {
      const slots = free.map(({ slot }) => slot);
      const claimed = await this.#to.writer.call('claim', { group: this.#options.group, member, slots });
      if (this.#member !== member || this.#closed !== undefined) return;
      const sources = claimed.map(({ slot, lease }): LeasedPartition => {
        const { topic, partition } = free.find((row) => row.slot === slot)!;
        this.#partitions.set(slot, { topic, partition });
        return { slot, lease, topic, partition };
      });
      started = this.#held.take(sources);
    } finally {
      this.#claiming = false;
    }
    this.#reconcile();
    await started;
  }

  #giveUp(holdings: readonly Holding<LeasedPartition>[], why: 'revoked' | 'lost'): void {
    if (holdings.length === 0) return;
    this.#do(
      this.#held.giveUp(holdings).then(async () => {
        if (why === 'revoked') await this.#release(holdings.map(({ source }) => source));
        this.#reconcile();
      }),
    );
  }

  async #release(leases: readonly Lease[]): Promise<void> {
    const own = leases.map(({ slot, lease }) => ({ slot, lease }));
    await this.#to.writer.call('release', { group: this.#options.group, leases: own });
  }

  async #close(): Promise<void> {
    // Heartbeats go on until the handlers have settled: nobody else begins before.
    await this.#held.giveUp(this.#held.all());
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
