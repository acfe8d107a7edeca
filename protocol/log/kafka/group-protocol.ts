/**
 * How members of a group share partitions: cooperatively. What a member holds stays with it, in use, while others join;
 * it is asked to give up what balance wants elsewhere, and only when it says that it has does the next owner get it.
 *
 * The frame is that of Kafka's consumer protocol, so that its tools show who has what. What a member holds travels in the
 * part that the protocol leaves to assignors.
 */
import { type AssignablePartition, assign } from '../assignment.ts';
import type { TopicPartition } from '../log.ts';
import { WireReader, WireWriter } from './wire.ts';

/** Members of one group must use the same: the number changes with the content of `Claims` or the way of assigning. */
export const PROTOCOL = 'sluice-cooperative-1';

/** What a member says when it joins. */
export interface Subscription {
  readonly topics: readonly string[];
  /** The generation that gave it what it holds; -1 if it holds nothing. */
  readonly generation: number;
  readonly held: readonly TopicPartition[];
}

export interface Member extends Subscription {
  readonly member: string;
}

export function encodeSubscription({ topics, generation, held }: Subscription): Buffer {
  const writer = new WireWriter().int16(0);
  writer.array(topics, (topic) => {
    writer.string(topic);
  });
  return writer.bytes(Buffer.from(JSON.stringify({ generation, held }))).end();
}

export function decodeSubscription(data: Buffer): Subscription {
  const reader = new WireReader(data);
  reader.int16();
  const topics = reader.array(() => reader.string() ?? '');
  const { generation, held } = JSON.parse(reader.bytes().toString()) as Omit<Subscription, 'topics'>;
  return { topics, generation, held };
}

export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const writer = new WireWriter().int16(0);
  writer.array([...Map.groupBy(partitions, ({ topic }) => topic)], ([topic, ofTopic]) => {
    writer.string(topic).array(ofTopic, ({ partition }) => {
      writer.int32(partition);
    });
  });
  return writer.bytes(Buffer.alloc(0)).end();
}

export function decodeAssignment(data: Buffer): TopicPartition[] {
  if (data.length === 0) return [];
  const reader = new WireReader(data);
  reader.int16();
  return reader
    .array(() => {
      const topic = reader.string() ?? '';
      return reader.array(() => ({ topic, partition: reader.int32() }));
    })
    .flat();
}

/**
 * Decides for the leader who has what in this generation.
 *
 * @param partitions of every topic that a member subscribes to, by topic
 * @returns by member; a partition that has to move is nobody's until its holder has joined again without it
 */
export function assignGroup(
  members: readonly Member[],
  partitions: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const holders = new Map<string, Member>();
  for (const member of members)
    for (const held of member.held) {
      const other = holders.get(keyOf(held));
      // Two claims: the older one is of a member that was put out and does not know it yet.
      if (other === undefined || other.generation < member.generation) holders.set(keyOf(held), member);
    }
  const all = [...partitions].flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  );
  const assignable = all.map(
    (partition, slot): AssignablePartition => ({
      slot,
      topic: partition.topic,
      holder: holders.get(keyOf(partition))?.member,
    }),
  );
  const candidates = members.map(({ member, topics }) => ({ member, topics: new Set(topics) }));
  const assigned = new Map<string, TopicPartition[]>(members.map(({ member }) => [member, []]));
  for (const [slot, target] of assign(assignable, candidates)) {
    const { holder } = assignable[slot]!;
    if (holder === undefined || holder === target) assigned.get(target)!.push(all[slot]!);
  }
  return assigned;
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${partition}/${topic}`;
}
