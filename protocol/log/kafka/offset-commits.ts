/**
 * Stores how far a member has consumed its partitions: the newest position of each, a few times a second.
 *
 * One commit is on its way at a time. One that fails for a reason that passes is kept and goes with the next.
 */
import type { TopicPartition } from '../log.ts';
import type { OffsetOf } from './by-topic.ts';
import { isFault } from './fault.ts';
import type { CurrentMembership } from './group-membership.ts';

const INTERVAL_MS = 50;

export interface OffsetCommitsOptions {
  readonly current: () => CurrentMembership | undefined;
  /** Whether the member still has the partition: otherwise its position is someone else's to store. */
  readonly holds: (partition: TopicPartition) => boolean;
  readonly onError: (error: unknown) => void;
}

export class OffsetCommits {
  readonly #options: OffsetCommitsOptions;
  #positions = new Map<string, OffsetOf>();
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: OffsetCommitsOptions) {
    this.#options = options;
  }

  advance({ topic, partition }: TopicPartition, offset: number): void {
    this.#positions.set(`${partition}/${topic}`, { topic, partition, offset });
    this.#schedule();
  }

  /** Resolves when everything so far is stored, or could not be. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#running !== undefined) await this.#running;
    this.#running = this.#commit().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.flush(), INTERVAL_MS);
  }

  async #commit(): Promise<void> {
    const { current, holds, onError } = this.#options;
    const membership = current();
    const taken = [...this.#positions].filter(([, position]) => holds(position));
    this.#positions = new Map();
    if (taken.length === 0 || membership === undefined) return; // put out: the next owner begins where the group was
    try {
      await membership.coordinator.commit(
        membership.membership,
        taken.map(([, position]) => position),
      );
    } catch (error) {
      const replaced = isFault(error, 'ILLEGAL_GENERATION') && current() !== membership;
      if (isFault(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION') && !replaced) return;
      // A rebalance passes quickly and is no fault; of others the service should hear.
      if (!replaced && !isFault(error, 'REBALANCE_IN_PROGRESS')) onError(error);
      this.#positions = new Map([...taken, ...this.#positions]);
      this.#schedule();
    }
  }
}
