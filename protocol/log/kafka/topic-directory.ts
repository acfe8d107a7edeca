/**
 * What the cluster says of its topics: which partitions there are, who leads them, which incarnation it is.
 *
 * Answers are kept until they are a minute old or someone found them wrong.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { UnknownTopicError } from '../errors.ts';
import type { TopicPartition } from '../log.ts';
import type { KafkaClient } from './client.ts';
import { faultOfCode } from './connections.ts';
import { isFault, KafkaFault } from './fault.ts';
import type { TopicMetadata } from './requests.ts';

const MAX_AGE_MS = 60_000;
const ATTEMPTS = 4;
const ATTEMPT_PAUSE_MS = 100;
const UNKNOWN_TOPIC = 3;

export interface TopicEntry {
  readonly name: string;
  readonly partitions: number;
  readonly replication: number;
  /** Node that leads each partition; undefined while there is none. */
  readonly leaders: readonly (number | undefined)[];
  /** Changes when the topic is recreated. */
  readonly incarnation: string;
  /** Changes when the topic is recreated or gets more partitions. */
  readonly epoch: string;
}

export class TopicDirectory {
  readonly #client: KafkaClient;
  readonly #known = new Map<string, { readonly entry: Promise<TopicEntry>; readonly until: number }>();

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  /** @throws {UnknownTopicError | KafkaFault} */
  topic(name: string): Promise<TopicEntry> {
    const known = this.#known.get(name);
    if (known !== undefined && known.until > performance.now()) return known.entry;
    const entry = this.#look(name);
    this.#known.set(name, { entry, until: performance.now() + MAX_AGE_MS });
    entry.catch(() => this.forget(name));
    return entry;
  }

  /** @throws {UnknownTopicError | KafkaFault} LEADER_NOT_AVAILABLE: for now */
  async leader({ topic, partition }: TopicPartition): Promise<number> {
    const { leaders } = await this.topic(topic);
    if (partition >= leaders.length) throw new UnknownTopicError(`${topic}/${partition}`);
    const leader = leaders[partition];
    if (leader !== undefined) return leader;
    this.forget(topic);
    throw new KafkaFault('LEADER_NOT_AVAILABLE', `${topic}/${partition} has no leader now`, true);
  }

  async names(): Promise<string[]> {
    const { topics } = await this.#client.metadata(undefined);
    return topics
      .filter(({ internal }) => !internal)
      .map(({ name }) => name)
      .toSorted();
  }

  forget(name: string): void {
    this.#known.delete(name);
  }

  async #ask(name: string): Promise<TopicMetadata> {
    for (let attempt = 1; ; attempt++) {
      const [topic] = (await this.#client.metadata([name])).topics;
      const fault: KafkaFault | undefined = faultOfCode(topic?.error ?? UNKNOWN_TOPIC);
      if (topic !== undefined && (fault === undefined || isFault(fault, 'LEADER_NOT_AVAILABLE'))) return topic;
      if (!isFault(fault, 'UNKNOWN_TOPIC_OR_PARTITION', 'INVALID_TOPIC_EXCEPTION')) throw fault;
      // A topic that was just created is not known to every broker at once.
      if (attempt === ATTEMPTS || isFault(fault, 'INVALID_TOPIC_EXCEPTION')) throw new UnknownTopicError(name);
      await sleep(ATTEMPT_PAUSE_MS);
    }
  }

  async #look(name: string): Promise<TopicEntry> {
    const topic = await this.#ask(name);
    const leaders: (number | undefined)[] = [];
    for (const { partition, leader } of topic.partitions) leaders[partition] = leader < 0 ? undefined : leader;
    if (leaders.length === 0) throw new KafkaFault('LEADER_NOT_AVAILABLE', `'${name}' is being created`, true);
    const replication = Math.max(...topic.partitions.map(({ replicas }) => replicas));
    const epoch = epochOf(topic.id, leaders.length);
    return { name, partitions: leaders.length, replication, leaders, incarnation: topic.id, epoch };
  }
}

/** The broker's own name of the incarnation, and how many partitions it has: nothing that could be forgotten to be kept. */
function epochOf(topicId: string, partitions: number): string {
  const hash = createHash('sha256').update(`${topicId} ${partitions}`).digest();
  return hash.readBigUInt64BE().toString(36).slice(0, 10);
}
