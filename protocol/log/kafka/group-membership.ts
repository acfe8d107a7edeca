/**
 * Being a member of a consumer group: join → sync → heartbeats, until the group changes, and again.
 *
 * Heartbeats do not depend on what handlers do: a member is alive as long as its process is, and is watched for progress by its own
 * service, not by the broker.
 */
import { UnknownTopicError } from '../errors.ts';
import type { TopicPartition } from '../log.ts';
import type { KafkaClient } from './client.ts';
import { isFault } from './fault.ts';
import { GroupCoordinator, type Membership } from './group-coordinator.ts';
import {
  assignGroup,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type Member,
  PROTOCOL,
} from './group-protocol.ts';
import type { TopicDirectory } from './topic-directory.ts';

const RETRY_MS = 200;
/** How often the leader looks whether topics have got more partitions. */
const TOPICS_CHECK_MS = 5000;

export interface GroupMembershipOptions {
  readonly client: KafkaClient;
  readonly directory: TopicDirectory;
  /** Connection of this member alone: joining is answered only when everyone has joined. */
  readonly lane: string;
  readonly group: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  /** What this member has and is not done giving up. */
  readonly held: () => readonly TopicPartition[];
  /** What this member shall have now. */
  readonly onAssignment: (partitions: readonly TopicPartition[]) => void;
  /** Others may have got what this member has. */
  readonly onLost: () => void;
  readonly onError: (error: unknown) => void;
}

/** A member as the coordinator knows it. */
export interface CurrentMembership {
  readonly coordinator: GroupCoordinator;
  readonly membership: Membership;
}

interface Joined extends CurrentMembership {
  /** The leader's: how many partitions the topics have that it has assigned. */
  readonly leads: ReadonlyMap<string, number> | undefined;
}

/** A rebalance is learned of by a heartbeat: seldom ones would make every hand-over slow. */
export function heartbeatIntervalMs(sessionTimeoutMs: number): number {
  return Math.min(sessionTimeoutMs / 5, 1000);
}

export class GroupMembership {
  readonly #options: GroupMembershipOptions;
  #member = '';
  #generation = -1;
  #current: CurrentMembership | undefined;
  #leaving = false;
  #rejoin = false;
  #interrupt: (() => void) | undefined;
  #lastAnswer = performance.now();
  #running: Promise<void> = Promise.resolve();

  constructor(options: GroupMembershipOptions) {
    this.#options = options;
  }

  /** undefined while joining for the first time, and after having been put out. */
  get current(): CurrentMembership | undefined {
    return this.#current;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Something was given up that others wait for. */
  rejoin(): void {
    this.#rejoin = true;
    this.#interrupt?.();
  }

  async leave(): Promise<void> {
    const { client, lane } = this.#options;
    this.#leaving = true;
    this.#interrupt?.();
    const { current } = this;
    try {
      if (current !== undefined) await current.coordinator.leave(current.membership);
    } catch (error) {
      this.#options.onError(error); // the session runs out
    }
    client.closeLane(lane);
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#leaving) {
      try {
        await this.#live(await this.#join());
      } catch (error) {
        if (this.#leaving) return;
        if (isFault(error, 'REBALANCE_IN_PROGRESS')) continue;
        this.#judge(error);
        await this.#pause(RETRY_MS);
      }
    }
  }

  async #join(): Promise<Joined> {
    const { client, lane, group, topics, sessionTimeoutMs, held } = this.#options;
    const coordinator = await GroupCoordinator.find(client, group);
    this.#rejoin = false;
    const joined = await coordinator.join(lane, this.#member, {
      sessionTimeoutMs,
      rebalanceTimeoutMs: Math.max(sessionTimeoutMs, 10_000),
      protocol: PROTOCOL,
      metadata: encodeSubscription({ topics, generation: this.#generation, held: held() }),
    });
    this.#member = joined.member;
    const membership = { member: joined.member, generation: joined.generation };
    const members = joined.members.map(({ member, metadata }): Member => ({ member, ...decodeSubscription(metadata) }));
    const partitions = joined.leader ? await this.#partitions(members) : undefined;
    const assignments =
      partitions === undefined
        ? []
        : [...assignGroup(members, partitions)].map(([member, assigned]) => ({
            member,
            assignment: encodeAssignment(assigned),
          }));
    const assignment = decodeAssignment(await coordinator.sync(lane, membership, assignments));
    this.#generation = joined.generation;
    this.#current = { coordinator, membership };
    this.#lastAnswer = performance.now();
    if (!this.#leaving) this.#options.onAssignment(assignment);
    return { coordinator, membership, leads: partitions };
  }

  /** How many partitions each topic has that a member subscribes to. One that does not exist has none. */
  async #partitions(members: readonly Pick<Member, 'topics'>[]): Promise<Map<string, number>> {
    const { directory } = this.#options;
    const topics = [...new Set(members.flatMap((member) => member.topics))];
    const counts = await Promise.all(
      topics.map(async (topic) => {
        directory.forget(topic);
        try {
          return (await directory.topic(topic)).partitions;
        } catch (error) {
          if (error instanceof UnknownTopicError) return 0;
          throw error;
        }
      }),
    );
    return new Map(topics.map((topic, index) => [topic, counts[index]!]));
  }

  /** Returns when it is time to join again. */
  async #live({ coordinator, membership, leads }: Joined): Promise<void> {
    const { lane, sessionTimeoutMs } = this.#options;
    const interval = heartbeatIntervalMs(sessionTimeoutMs);
    let checked = performance.now();
    while (!this.#leaving && !this.#rejoin) {
      await this.#pause(interval);
      if (this.#leaving || this.#rejoin) return;
      await coordinator.heartbeat(lane, membership);
      this.#lastAnswer = performance.now();
      if (leads !== undefined && performance.now() - checked > TOPICS_CHECK_MS) {
        checked = performance.now();
        const now = await this.#partitions([{ topics: [...leads.keys()] }]);
        if ([...now].some(([topic, count]) => leads.get(topic) !== count)) return;
      }
    }
  }

  #judge(error: unknown): void {
    const { onError, sessionTimeoutMs } = this.#options;
    if (isFault(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID')) {
      if (!isFault(error, 'ILLEGAL_GENERATION')) this.#member = '';
      this.#lose();
      return;
    }
    onError(error);
    // The coordinator has not heard of us for a whole session: as far as anyone knows we are dead.
    if (performance.now() - this.#lastAnswer > sessionTimeoutMs) this.#lose();
  }

  #lose(): void {
    this.#current = undefined;
    this.#generation = -1;
    this.#options.onLost();
  }

  async #pause(ms: number): Promise<void> {
    if (this.#leaving || this.#rejoin) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#interrupt = undefined;
  }
}
