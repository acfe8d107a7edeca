/**
 * The embedded log: the Log contract on SQLite in one folder, shared by any number of threads and processes of one machine.
 *
 * An opened log has a connection for reading in the caller's thread and a writer thread of its own, so that the caller
 * never waits for an fsync. What is acknowledged survives the end of any process and a power cut (docs/adr/0001-embedded-log.md).
 */
import { randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { makeFolder } from '../../make-folder.ts';
import { LogUnavailableError } from '../errors.ts';
import type {
  FollowOptions,
  Log,
  PartitionLag,
  ProducedRecord,
  ProduceRecord,
  SubscribeOptions,
  Subscription,
  TopicDefinition,
  TopicDescription,
  Watermarks,
} from '../log.ts';
import { ChangeFeed } from './change-feed.ts';
import { FollowSubscription } from './follow-subscription.ts';
import { GroupSubscription } from './group-subscription.ts';
import { Heartbeats } from './heartbeats.ts';
import type { ProduceRequest } from './operations.ts';
import { Reader } from './reader.ts';
import { WriterClient } from './writer-client.ts';

export interface EmbeddedLogOptions {
  /** Folder of the log's files; made if it is not there. Must be on a local disk. */
  readonly folder: string;
  /** Milliseconds since the epoch. Default Date.now. */
  readonly clock?: () => number;
  /** A consumer whose process is stuck for so long loses its partitions; one whose process ended does at once. Default 6000. */
  readonly leaseMs?: number;
  /** How often retention is applied. Default 30,000 ms. */
  readonly retentionIntervalMs?: number;
  /** How often to look for what other processes have written. Default 15 ms. */
  readonly pollMs?: number;
  /** Bytes of values that may wait for the disk; beyond it produce rejects. Default 64 MiB. */
  readonly maxWaitingBytes?: number;
  /** How long to wait for another process's transaction. Default 10,000 ms. */
  readonly busyTimeoutMs?: number;
}

/** @throws when the folder cannot be written or holds another format */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<Log> {
  const { busyTimeoutMs = 10_000, maxWaitingBytes = 64 << 20 } = options;
  makeFolder(options.folder);
  const folder = realpathSync(options.folder); // one name per folder: threads find each other by it
  const channel = `sluice embedded log ${folder}`;
  const writer = await WriterClient.start({ folder, instance: randomUUID(), channel, busyTimeoutMs }, maxWaitingBytes);
  const reader = new Reader(folder, busyTimeoutMs);
  return new EmbeddedLog(writer, reader, channel, options);
}

class EmbeddedLog implements Log {
  readonly #writer: WriterClient;
  readonly #reader: Reader;
  readonly #feed: ChangeFeed;
  readonly #heartbeats: Heartbeats;
  readonly #clock: () => number;
  readonly #leaseMs: number;
  readonly #subscriptions = new Set<Subscription>();
  readonly #retention: NodeJS.Timeout;
  #closed: Promise<void> | undefined;

  constructor(writer: WriterClient, reader: Reader, channel: string, options: EmbeddedLogOptions) {
    const { clock = Date.now, leaseMs = 6000, pollMs = 15, retentionIntervalMs = 30_000 } = options;
    this.#writer = writer;
    this.#reader = reader;
    this.#clock = clock;
    this.#leaseMs = leaseMs;
    this.#feed = new ChangeFeed(reader, channel, pollMs);
    this.#heartbeats = new Heartbeats(writer, clock, leaseMs);
    this.#retention = setInterval(() => void this.#retain(retentionIntervalMs), retentionIntervalMs);
    this.#retention.unref();
  }

  async produce(topic: string, records: readonly ProduceRecord[]): Promise<ProducedRecord[]> {
    if (records.length === 0) return [];
    const request = pack(topic, records, this.#clock());
    const { bytes } = request;
    const result = await this.#writer.call('produce', request, bytes.byteLength, bytes.buffer);
    return result.offsets.map((offset, index) => ({ partition: result.partitions[index]!, offset }));
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    this.#checkOpen();
    const subscription = new GroupSubscription(
      {
        writer: this.#writer,
        reader: this.#reader,
        feed: this.#feed,
        heartbeats: this.#heartbeats,
        clock: this.#clock,
        leaseMs: this.#leaseMs,
      },
      options,
    );
    await subscription.join();
    return this.#track(subscription);
  }

  async follow(options: FollowOptions): Promise<Subscription> {
    this.#checkOpen();
    return this.#track(new FollowSubscription(this.#reader, this.#feed, options));
  }

  async createTopics(definitions: readonly TopicDefinition[]): Promise<void> {
    await this.#writer.call('createTopics', { definitions });
  }

  async alterTopic(definition: TopicDefinition): Promise<void> {
    await this.#writer.call('alterTopic', { definition });
  }

  async deleteTopic(name: string): Promise<void> {
    await this.#writer.call('deleteTopic', { name });
  }

  async describeTopic(name: string): Promise<TopicDescription> {
    this.#checkOpen();
    return this.#reader.describeTopic(name);
  }

  async listTopics(): Promise<string[]> {
    this.#checkOpen();
    return this.#reader.listTopics();
  }

  async watermarks(topic: string): Promise<Watermarks[]> {
    this.#checkOpen();
    return this.#reader.watermarks(topic).map(({ partition, earliest, end }) => ({ partition, earliest, end }));
  }

  async lag(group: string, topic: string): Promise<PartitionLag[]> {
    this.#checkOpen();
    return this.#reader.lag(group, topic);
  }

  async offsetsAt(topic: string, time: number): Promise<ReadonlyMap<number, number>> {
    this.#checkOpen();
    const ranges = this.#reader.watermarks(topic);
    return new Map(ranges.map((range) => [range.partition, this.#reader.offsetAt(range, time)]));
  }

  async commitOffsets(group: string, topic: string, offsets: ReadonlyMap<number, number>): Promise<void> {
    this.#checkOpen();
    const ranges = this.#reader.watermarks(topic);
    const positions = [...offsets].map(([partition, offset]) => {
      const slot = ranges[partition]?.slot;
      if (slot === undefined) throw new TypeError(`topic '${topic}' has no partition ${partition}`);
      return { slot, offset };
    });
    await this.#writer.call('commitOffsets', { group, positions, now: this.#clock() });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearInterval(this.#retention);
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
    this.#heartbeats.close();
    this.#feed.close();
    await this.#writer.close();
    this.#reader.close();
  }

  async #retain(intervalMs: number): Promise<void> {
    try {
      while (this.#closed === undefined) {
        const { more } = await this.#writer.call('retain', { now: this.#clock(), intervalMs });
        if (!more) return;
      }
    } catch {
      // The log cannot write now: producers are told; what is too old is deleted later.
    }
  }

  #track(subscription: Subscription): Subscription {
    this.#subscriptions.add(subscription);
    const forget = () => this.#subscriptions.delete(subscription);
    subscription.ended.then(forget, forget);
    return subscription;
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new LogUnavailableError('the log is closed');
  }
}

/** Lays the values end to end in memory of their own, which moves to the writer thread instead of being copied again. */
function pack(
  topic: string,
  records: readonly ProduceRecord[],
  now: number,
): ProduceRequest & { bytes: Uint8Array<ArrayBuffer> } {
  const bytes = new Uint8Array(records.reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0));
  let at = 0;
  for (const { value } of records) {
    if (value === null) continue;
    bytes.set(value, at);
    at += value.byteLength;
  }
  return {
    topic,
    now,
    keys: records.map(({ key }) => key),
    headers: records.map(({ headers }) => (headers === undefined ? null : JSON.stringify(headers))),
    lengths: records.map(({ value }) => value?.byteLength ?? -1),
    bytes,
  };
}
