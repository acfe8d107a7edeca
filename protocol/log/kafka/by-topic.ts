/** Requests of Kafka name partitions by topic, and so do its answers: the way there and back. */
import type { TopicPartition } from '../log.ts';

export interface OffsetOf extends TopicPartition {
  readonly offset: number;
}

export function byTopic<T extends TopicPartition, U>(
  items: readonly T[],
  each: (item: T) => U,
): { topic: string; partitions: U[] }[] {
  return [...Map.groupBy(items, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(each),
  }));
}

export function offsetsOf(
  topics: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[],
): OffsetOf[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, offset }) => ({ topic, partition, offset: Number(offset) })),
  );
}
