/** Asks where partitions begin and end, and how far groups have come. */
import type { PartitionLag, TopicPartition, Watermarks } from '../log.ts';
import { byTopic, type OffsetOf, offsetsOf } from './by-topic.ts';
import type { KafkaClient } from './client.ts';
import { GroupCoordinator } from './group-coordinator.ts';
import type { TopicDirectory } from './topic-directory.ts';

const EARLIEST = -2;
const END = -1;
const READ_COMMITTED = 1;

export class Offsets {
  readonly #client: KafkaClient;
  readonly #directory: TopicDirectory;

  constructor(client: KafkaClient, directory: TopicDirectory) {
    this.#client = client;
    this.#directory = directory;
  }

  /** In the order of partitions. @throws {UnknownTopicError | KafkaFault} */
  async watermarks(topic: string): Promise<Watermarks[]> {
    const partitions = await this.#partitions(topic);
    const [earliest, end] = await Promise.all([this.#list(partitions, EARLIEST), this.#list(partitions, END)]);
    return partitions.map(({ partition }) => ({
      partition,
      earliest: offsetIn(earliest, partition) ?? 0,
      end: offsetIn(end, partition) ?? 0,
    }));
  }

  /** @throws {UnknownTopicError | KafkaFault} */
  async lag(group: string, topic: string): Promise<PartitionLag[]> {
    const [ranges, coordinator] = await Promise.all([
      this.watermarks(topic),
      GroupCoordinator.find(this.#client, group),
    ]);
    const partitions = ranges.map(({ partition }) => ({ topic, partition }));
    const offsets = await coordinator.committed(partitions);
    return ranges.map(({ partition, earliest, end }) => {
      const committed = offsetIn(offsets, partition);
      const lag = Math.max(0, end - Math.max(committed ?? earliest, earliest));
      return { partition, earliest, end, committed, lag };
    });
  }

  /** @throws {UnknownTopicError | KafkaFault} */
  async at(topic: string, time: number): Promise<Map<number, number>> {
    const partitions = await this.#partitions(topic);
    const [found, end] = await Promise.all([this.#list(partitions, Math.max(0, time)), this.#list(partitions, END)]);
    return new Map(
      partitions.map(({ partition }) => {
        const offset = offsetIn(found, partition) ?? -1;
        return [partition, offset < 0 ? (offsetIn(end, partition) ?? 0) : offset];
      }),
    );
  }

  async #partitions(topic: string): Promise<TopicPartition[]> {
    const { partitions } = await this.#directory.topic(topic);
    return Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
  }

  async #list(partitions: readonly TopicPartition[], timestamp: number): Promise<OffsetOf[]> {
    const leaders = await Promise.all(partitions.map((partition) => this.#directory.leader(partition)));
    const byLeader = Map.groupBy(partitions, ({ partition }) => leaders[partition]!);
    try {
      const answers = [...byLeader].map(([leader, led]) => listOffsets(this.#client, leader, led, timestamp));
      return (await Promise.all(answers)).flat();
    } catch (error) {
      for (const { topic } of partitions) this.#directory.forget(topic);
      throw error;
    }
  }
}

/**
 * @param node the leader of the partitions
 * @param timestamp ms since the epoch; -2 for the earliest offset, -1 for the end
 * @returns offset -1 where no record is as late as the timestamp
 * @throws {KafkaFault}
 */
export async function listOffsets(
  client: KafkaClient,
  node: number,
  partitions: readonly TopicPartition[],
  timestamp: number,
): Promise<OffsetOf[]> {
  const topics = byTopic(partitions, ({ partition }) => ({ partition, timestamp }));
  const { responses } = await client.onNode(node, (broker) =>
    broker.listOffsets({ replicaId: -1, isolationLevel: READ_COMMITTED, topics }),
  );
  return offsetsOf(responses);
}

function offsetIn(offsets: readonly OffsetOf[], partition: number): number | undefined {
  return offsets.find((it) => it.partition === partition)?.offset;
}
