/**
 * The Kafka log: the Log contract on a Kafka cluster (3.1 or newer).
 *
 * What is acknowledged is on every in-sync replica; a single broker that loses power may lose it, a replicated one not.
 */
import { hostname } from 'node:os';
import { GroupActiveError, LogUnavailableError, UnknownTopicError } from '../errors.ts';
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
import { KafkaClient } from './client.ts';
import { isFault, KafkaFault } from './fault.ts';
import { Fetcher } from './fetcher.ts';
import { FollowSubscription } from './follow-subscription.ts';
import { GroupCoordinator, NOBODY } from './group-coordinator.ts';
import { GroupSubscription, type KafkaDependencies } from './group-subscription.ts';
import { Offsets } from './offsets.ts';
import { Producer } from './producer.ts';
import { retryFaults } from './retry.ts';
import type { KafkaSettings } from './settings.ts';
import { addPartitions, alterTopicConfig, createTopic, deleteTopic, topicConfig } from './topic-admin.ts';
import { configOf, definitionOf } from './topic-config.ts';
import { TopicDirectory } from './topic-directory.ts';

export interface KafkaLogOptions {
  /** Milliseconds since the epoch. Default Date.now. */
  readonly clock?: () => number;
  /** Bytes that may wait to be acknowledged; beyond it produce rejects. Default 64 MiB. */
  readonly maxWaitingBytes?: number;
  /** How long anything but consuming may take before the log counts as unavailable. Default 15,000 ms. */
  readonly timeoutMs?: number;
}

/** @throws {LogUnavailableError} no broker can be reached, or they refuse us */
export async function openKafkaLog(settings: KafkaSettings, options: KafkaLogOptions = {}): Promise<Log> {
  const client = new KafkaClient(settings, `sluice-${hostname()}-${process.pid}`);
  try {
    await retryFaults(options.timeoutMs ?? 15_000, () => client.metadata([]));
  } catch (error) {
    client.close();
    throw error;
  }
  return new KafkaLog(client, settings, options);
}

class KafkaLog implements Log {
  readonly #to: KafkaDependencies;
  readonly #producer: Producer;
  readonly #timeoutMs: number;
  readonly #maxValueBytes = new Map<string, Promise<number>>();
  readonly #subscriptions = new Set<Subscription>();
  #closed: Promise<void> | undefined;

  constructor(client: KafkaClient, settings: KafkaSettings, options: KafkaLogOptions) {
    const { clock = Date.now, maxWaitingBytes = 64 << 20, timeoutMs = 15_000 } = options;
    const { compression, sessionTimeoutMs } = settings;
    const directory = new TopicDirectory(client);
    const offsets = new Offsets(client, directory);
    this.#timeoutMs = timeoutMs;
    this.#to = { client, directory, offsets, fetcher: new Fetcher(client, directory), sessionTimeoutMs };
    this.#producer = new Producer({
      client,
      directory,
      compression,
      clock,
      maxWaitingBytes,
      timeoutMs,
      maxValueBytes: (topic) => this.#maxValue(topic),
    });
  }

  async produce(topic: string, records: readonly ProduceRecord[]): Promise<ProducedRecord[]> {
    this.#checkOpen();
    return this.#producer.produce(topic, records);
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    await this.#ask(() => Promise.all(options.topics.map((topic) => this.#to.directory.topic(topic))));
    const subscription = new GroupSubscription(this.#to, options);
    this.#track(subscription);
    await subscription.join();
    return subscription;
  }

  async follow(options: FollowOptions): Promise<Subscription> {
    const subscription = new FollowSubscription(this.#to, options);
    await this.#ask(() => subscription.start());
    this.#track(subscription);
    return subscription;
  }

  async createTopics(definitions: readonly TopicDefinition[]): Promise<void> {
    for (const definition of definitions) {
      const { name, partitions, replication } = definition;
      await this.#ask(async () => {
        try {
          await createTopic(this.#to.client, { name, partitions, replication, config: configOf(definition) });
        } catch (error) {
          if (!isFault(error, 'TOPIC_ALREADY_EXISTS')) throw error;
        }
      });
    }
    // Created is not yet led: wait until every partition can be written to.
    for (const { name } of definitions)
      await this.#ask(async () => {
        this.#to.directory.forget(name);
        const { leaders } = await this.#to.directory.topic(name).catch(notYetKnown);
        for (const partition of leaders.keys()) await this.#to.directory.leader({ topic: name, partition });
      });
  }

  async alterTopic(definition: TopicDefinition): Promise<void> {
    const { name, partitions, kind } = definition;
    const { definition: current } = await this.describeTopic(name);
    if (kind !== current.kind || partitions < current.partitions)
      throw new TypeError(`topic '${name}' would have to be recreated to change its kind or lose partitions`);
    await this.#ask(() => alterTopicConfig(this.#to.client, name, configOf(definition)));
    if (partitions > current.partitions) await this.#ask(() => addPartitions(this.#to.client, name, partitions));
    this.#maxValueBytes.delete(name);
    await this.#ask(async () => {
      this.#to.directory.forget(name);
      const topic = await this.#to.directory.topic(name);
      if (topic.partitions < partitions) throw new KafkaFault('STALE', `'${name}' has not grown yet`, true);
      for (const partition of topic.leaders.keys()) await this.#to.directory.leader({ topic: name, partition });
    });
  }

  async deleteTopic(name: string): Promise<void> {
    await this.#ask(() => this.#to.directory.topic(name));
    await this.#ask(() => deleteTopic(this.#to.client, name));
    this.#maxValueBytes.delete(name);
    await this.#ask(async () => {
      this.#to.directory.forget(name);
      const gone = await this.#to.directory.topic(name).then(
        () => false,
        (error: unknown) => {
          if (error instanceof UnknownTopicError) return true;
          throw error;
        },
      );
      if (!gone) throw new KafkaFault('STALE', `'${name}' is not gone yet`, true);
    });
  }

  async describeTopic(name: string): Promise<TopicDescription> {
    return this.#ask(async () => {
      this.#to.directory.forget(name);
      const topic = await this.#to.directory.topic(name);
      return { definition: definitionOf(topic, await topicConfig(this.#to.client, name)), epoch: topic.epoch };
    });
  }

  async listTopics(): Promise<string[]> {
    return this.#ask(() => this.#to.directory.names());
  }

  async watermarks(topic: string): Promise<Watermarks[]> {
    return this.#ask(() => this.#to.offsets.watermarks(topic));
  }

  async lag(group: string, topic: string): Promise<PartitionLag[]> {
    return this.#ask(() => this.#to.offsets.lag(group, topic));
  }

  async offsetsAt(topic: string, time: number): Promise<ReadonlyMap<number, number>> {
    return this.#ask(() => this.#to.offsets.at(topic, time));
  }

  async commitOffsets(group: string, topic: string, offsets: ReadonlyMap<number, number>): Promise<void> {
    const { client, directory } = this.#to;
    await this.#ask(async () => {
      await directory.topic(topic);
      const coordinator = await GroupCoordinator.find(client, group);
      if (await coordinator.isActive()) throw new GroupActiveError(group);
      const positions = [...offsets].map(([partition, offset]) => ({ topic, partition, offset }));
      try {
        await coordinator.commit(NOBODY, positions);
      } catch (error) {
        if (isFault(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION')) throw new GroupActiveError(group);
        throw error;
      }
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
    await this.#producer.drain();
    this.#to.fetcher.close();
    this.#to.client.close();
  }

  /** @throws {LogUnavailableError} in place of faults that do not pass in time */
  async #ask<T>(action: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    return retryFaults(this.#timeoutMs, action);
  }

  #maxValue(topic: string): Promise<number> {
    const known = this.#maxValueBytes.get(topic);
    if (known !== undefined) return known;
    const { client, directory } = this.#to;
    const asked = (async () =>
      definitionOf(await directory.topic(topic), await topicConfig(client, topic)).maxMessageBytes)();
    this.#maxValueBytes.set(topic, asked);
    asked.catch(() => this.#maxValueBytes.delete(topic));
    return asked;
  }

  #track(subscription: Subscription): void {
    this.#subscriptions.add(subscription);
    const forget = () => this.#subscriptions.delete(subscription);
    subscription.ended.then(forget, forget);
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new LogUnavailableError('the log is closed');
  }
}

function notYetKnown(error: unknown): never {
  if (error instanceof UnknownTopicError) throw new KafkaFault('STALE', error.message, true);
  throw error;
}
