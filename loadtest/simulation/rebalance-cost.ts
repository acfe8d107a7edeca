/** What a rebalance costs, with a hundred members of one group on a real broker: a member leaves, another comes in its place. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Value from 'typebox/value';
import { openKafkaLog } from '../../protocol/log/kafka/open.ts';
import { KafkaSettings } from '../../protocol/log/kafka/settings.ts';
import type { Log, Subscription } from '../../protocol/log/log.ts';
import { startBroker } from '../broker.ts';
import type { BenchContext, OpenVariant } from '../suite.ts';

const MEMBERS = 100;
/** Between two looks at who has what. */
const LOOK_MS = 20;

export async function openRebalanceVariant({ folder, scale }: BenchContext): Promise<OpenVariant> {
  const broker = await startBroker(join(folder, 'kafka'));
  const settings = { ...(Value.Default(KafkaSettings, {}) as KafkaSettings), brokers: [...broker.bootstrap] };
  const log = await openKafkaLog(settings, { timeoutMs: 60_000 });
  const count = Math.max(3, Math.round(MEMBERS * scale));
  const group = await Group.gather(log, count);
  return {
    async measure() {
      const [began, ours, brokers] = [performance.now(), process.cpuUsage(), broker.cpuSeconds()];
      // Two rebalances: what the first member had goes to another, and then one of the others' to the new one.
      await group.replaceOne();
      const [seconds, spent] = [(performance.now() - began) / 1000, process.cpuUsage(ours)];
      const per = count * 2;
      return {
        value: ((broker.cpuSeconds() - brokers) * 1000) / per,
        also: { member_cpu_ms: (spent.user + spent.system) / 1000 / per, seconds_each: seconds / 2 },
      };
    },
    async close() {
      await group.leave();
      await log.close();
      await broker.stop();
    },
  };
}

/** Members of one group, and as many partitions, of which each member is to have one. */
class Group {
  readonly #log: Log;
  readonly #topic: string;
  readonly #partitions: number;
  readonly #members: { readonly subscription: Subscription; readonly held: Set<number> }[] = [];

  private constructor(log: Log, topic: string, partitions: number) {
    this.#log = log;
    this.#topic = topic;
    this.#partitions = partitions;
  }

  static async gather(log: Log, members: number): Promise<Group> {
    const topic = `rebalance-${randomUUID()}`;
    await log.createTopics([
      {
        name: topic,
        partitions: members,
        replication: 1,
        kind: 'events',
        retentionMs: 3_600_000,
        retentionBytes: undefined,
        maxMessageBytes: 1 << 20,
        owner: 'bench',
      },
    ]);
    const group = new Group(log, topic, members);
    await Promise.all(Array.from({ length: members }, () => group.#join()));
    await group.#settled();
    return group;
  }

  async replaceOne(): Promise<void> {
    await this.#members.shift()!.subscription.close();
    await this.#settled();
    await this.#join();
    await this.#settled();
  }

  async leave(): Promise<void> {
    await Promise.all(this.#members.map(({ subscription }) => subscription.close()));
  }

  async #join(): Promise<void> {
    const held = new Set<number>();
    const subscription = await this.#log.subscribe({
      group: this.#topic,
      topics: [this.#topic],
      onAssigned: async (partitions) => {
        for (const { partition } of partitions) held.add(partition);
        return undefined;
      },
      onRevoked: async (partitions) => {
        for (const { partition } of partitions) held.delete(partition);
      },
      onBatch: async () => {},
    });
    this.#members.push({ subscription, held });
  }

  /** Every partition is someone's, and nobody has two more than another. */
  async #settled(): Promise<void> {
    for (;;) {
      const counts = this.#members.map(({ held }) => held.size);
      const held = counts.reduce((sum, count) => sum + count, 0);
      if (held === this.#partitions && Math.max(...counts) - Math.min(...counts) <= 1) return;
      await sleep(LOOK_MS);
    }
  }
}
