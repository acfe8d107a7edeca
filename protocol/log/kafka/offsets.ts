/** Asks where partitions begin and end, and how far groups have come. */
import type { PartitionLag, TopicPartition, Watermarks } from '../log.ts';
import type { KafkaClient, OffsetOf } from './client.ts';
import type { TopicDirectory } from './topic-directory.ts';

const EARLIEST = -2;
const END = -1;

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
    const ranges = await this.watermarks(topic);
    const coordinator = await this.#client.findCoordinator(group);
    const partitions = ranges.map(({ partition }) => ({ topic, partition }));
    const offsets = await this.#client.committedOffsets(coordinator, group, partitions);
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
      const answers = [...byLeader].map(([leader, led]) => this.#client.listOffsets(leader, led, timestamp));
      return (await Promise.all(answers)).flat();
    } catch (error) {
      for (const { topic } of partitions) this.#directory.forget(topic);
      throw error;
    }
  }
}

function offsetIn(offsets: readonly OffsetOf[], partition: number): number | undefined {
  return offsets.find((it) => it.partition === partition)?.offset;
}
