/** The broker that keeps a consumer group: its members, its generations, its offsets. */
import type Broker from 'kafkajs/src/broker/index.js';
import type { TopicPartition } from '../log.ts';
import { byTopic, type OffsetOf, offsetsOf } from './by-topic.ts';
import type { KafkaClient } from './client.ts';
import type { Address } from './connections.ts';

const GROUP_COORDINATOR = 0;

/** Whom a coordinator knows as a member of its group. */
export interface Membership {
  readonly member: string;
  readonly generation: number;
}

/** Commits for a group that has no members. */
export const NOBODY: Membership = { member: '', generation: -1 };

export interface Joined extends Membership {
  readonly leader: boolean;
  /** Told to the leader only. */
  readonly members: readonly { readonly member: string; readonly metadata: Buffer }[];
}

/** Every request may fail with a KafkaFault; NOT_COORDINATOR_FOR_GROUP and a broken connection mean to find it anew. */
export class GroupCoordinator {
  readonly #client: KafkaClient;
  readonly #address: Address;
  readonly #group: string;

  private constructor(client: KafkaClient, address: Address, group: string) {
    this.#client = client;
    this.#address = address;
    this.#group = group;
  }

  /** @throws {KafkaFault} */
  static async find(client: KafkaClient, group: string): Promise<GroupCoordinator> {
    const { coordinator } = await client.onAny((broker) =>
      broker.findGroupCoordinator({ groupId: group, coordinatorType: GROUP_COORDINATOR }),
    );
    return new GroupCoordinator(client, coordinator, group);
  }

  /**
   * Answered when everyone has joined.
   * @param lane names the connection that the request goes over
   * @param member empty for one that the coordinator does not know yet
   */
  async join(
    lane: string,
    member: string,
    options: { sessionTimeoutMs: number; rebalanceTimeoutMs: number; protocol: string; metadata: Buffer },
  ): Promise<Joined> {
    const joined = await this.#client.at(this.#address, lane, (broker) =>
      broker.joinGroup({
        groupId: this.#group,
        memberId: member,
        sessionTimeout: options.sessionTimeoutMs,
        rebalanceTimeout: options.rebalanceTimeoutMs,
        groupProtocols: [{ name: options.protocol, metadata: options.metadata }],
      }),
    );
    return {
      generation: joined.generationId,
      member: joined.memberId,
      leader: joined.leaderId === joined.memberId,
      members: joined.members.map((it) => ({ member: it.memberId, metadata: it.memberMetadata })),
    };
  }

  /** @param assignments of the leader. @returns what the leader has assigned to this member */
  async sync(
    lane: string,
    { member, generation }: Membership,
    assignments: readonly { member: string; assignment: Buffer }[],
  ): Promise<Buffer> {
    const answer = await this.#client.at(this.#address, lane, (broker) =>
      broker.syncGroup({
        groupId: this.#group,
        memberId: member,
        generationId: generation,
        groupAssignment: assignments.map((it) => ({ memberId: it.member, memberAssignment: it.assignment })),
      }),
    );
    return answer.memberAssignment;
  }

  async heartbeat(lane: string, { member, generation }: Membership): Promise<void> {
    await this.#client.at(this.#address, lane, (broker) =>
      broker.heartbeat({ groupId: this.#group, memberId: member, groupGenerationId: generation }),
    );
  }

  async leave({ member }: Membership): Promise<void> {
    // Not over the lane of the member, where a join may still wait for its answer.
    await this.#control((broker) => broker.leaveGroup({ groupId: this.#group, memberId: member }));
  }

  /** @returns whether the group has members */
  async isActive(): Promise<boolean> {
    const { groups } = await this.#control((broker) => broker.describeGroups({ groupIds: [this.#group] }));
    return groups.some(({ members }) => members.length > 0);
  }

  async commit({ member, generation }: Membership, offsets: readonly OffsetOf[]): Promise<void> {
    const topics = byTopic(offsets, ({ partition, offset }) => ({ partition, offset: String(offset) }));
    await this.#control((broker) =>
      broker.offsetCommit({ groupId: this.#group, memberId: member, groupGenerationId: generation, topics }),
    );
  }

  /** @returns of those partitions for which the group has committed anything */
  async committed(partitions: readonly TopicPartition[]): Promise<OffsetOf[]> {
    const topics = byTopic(partitions, ({ partition }) => ({ partition }));
    const { responses } = await this.#control((broker) => broker.offsetFetch({ groupId: this.#group, topics }));
    return offsetsOf(responses).filter(({ offset }) => offset >= 0);
  }

  #control<T>(action: (broker: Broker) => Promise<T>): Promise<T> {
    return this.#client.at(this.#address, 'control', action);
  }
}
