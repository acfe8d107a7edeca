/**
 * Finds consumers that hang: a partition that this process holds has records waiting, and for a long time none was finished.
 *
 * It looks from outside, at the positions that the log has stored, so it also finds what no error tells of: a handler that never
 * settles, a fetch that is never answered, a commit that never arrives.
 */
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { RunningRole } from '../role.ts';
import type { Log, SubscribeOptions, TopicPartition } from './log.ts';
import { overrideLog } from './override-log.ts';

const LOOK_EVERY_MS = 10_000;
/** Looks before it is said that a consumer hangs, at least. */
const LOOKS = 4;

export interface ProgressWatchOptions {
  /** Without progress for so long a consumer is said to hang. Milliseconds. */
  readonly stallMs: number;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Default 10 s, or less for a short stallMs. */
  readonly lookEveryMs?: number;
}

/** A topic that a role consumes as a member of a group, and how its partitions get on. */
interface Watched {
  readonly log: Log;
  readonly role: string;
  readonly group: string;
  readonly topic: string;
  readonly held: Map<number, Progress>;
}

interface Progress {
  committed: number | undefined;
  /** Seen without progress, though there was something to do. Time in which nobody looked does not count. */
  stalledMs: number;
  isReported: boolean;
}

export class ProgressWatch implements RunningRole {
  readonly name = 'consumers';
  readonly #options: Required<ProgressWatchOptions>;
  readonly #watched = new Set<Watched>();
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<unknown> = Promise.resolve();
  #lookedAt = performance.now();

  constructor(options: ProgressWatchOptions) {
    this.#options = { lookEveryMs: Math.min(LOOK_EVERY_MS, options.stallMs / LOOKS), ...options };
    this.#registerMetric(options.metrics);
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, this.#options.lookEveryMs);
    this.#timer.unref();
  }

  /** The role's log; what it subscribes to is watched. */
  watch(log: Log, role: string): Log {
    return overrideLog(log, {
      subscribe: (options) => log.subscribe(this.#watching(log, role, options)),
    });
  }

  readiness() {
    const stalled = [...this.#stalled()].filter(({ stalledMs }) => stalledMs >= this.#options.stallMs);
    const detail = stalled
      .map(
        ({ of, partition, stalledMs }) => `${of.group} ${of.topic}/${partition} for ${Math.round(stalledMs / 1000)} s`,
      )
      .join(', ');
    return stalled.length === 0
      ? { ready: true, detail: 'every consumer gets on' }
      : { ready: false, detail: `no progress: ${detail}` };
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  #watching(log: Log, role: string, options: SubscribeOptions): SubscribeOptions {
    const ofTopic = new Map(
      options.topics.map((topic) => [topic, { log, role, group: options.group, topic, held: new Map() }]),
    );
    for (const watched of ofTopic.values()) this.#watched.add(watched);
    const { onAssigned, onRevoked } = options;
    return {
      ...options,
      onAssigned: async (partitions: readonly TopicPartition[]) => {
        for (const { topic, partition } of partitions)
          ofTopic.get(topic)?.held.set(partition, { committed: undefined, stalledMs: 0, isReported: false });
        return onAssigned?.(partitions);
      },
      onRevoked: async (partitions: readonly TopicPartition[]) => {
        for (const { topic, partition } of partitions) ofTopic.get(topic)?.held.delete(partition);
        await onRevoked?.(partitions);
      },
    };
  }

  async #look(): Promise<void> {
    const now = performance.now();
    // A process that was frozen itself must not take that for the fault of its consumers.
    const passedMs = Math.min(now - this.#lookedAt, 2 * this.#options.lookEveryMs);
    this.#lookedAt = now;
    await Promise.all([...this.#watched].map((watched) => this.#lookAt(watched, passedMs)));
  }

  async #lookAt({ log, role, group, topic, held }: Watched, passedMs: number): Promise<void> {
    // A log that does not answer tells nothing of its consumers; their producers and readers complain of it.
    const partitions = held.size === 0 ? [] : await log.lag(group, topic).catch(() => []);
    for (const { partition, committed, lag } of partitions) {
      const progress = held.get(partition);
      if (progress === undefined) continue;
      const moved = committed !== progress.committed;
      progress.committed = committed;
      progress.stalledMs = moved || lag === 0 ? 0 : progress.stalledMs + passedMs;
      const hangs = progress.stalledMs >= this.#options.stallMs;
      if (hangs === progress.isReported) continue;
      progress.isReported = hangs;
      const facts = { role, group, topic, partition, committed, lag };
      if (hangs) this.#options.logger.error(facts, 'a consumer makes no progress, although there are records for it');
      else this.#options.logger.info(facts, 'the consumer gets on again');
    }
  }

  *#stalled(): Iterable<{ of: Watched; partition: number; stalledMs: number }> {
    for (const of of this.#watched)
      for (const [partition, { stalledMs }] of of.held) yield { of, partition, stalledMs };
  }

  #registerMetric(metrics: Registry): void {
    const stalled = () => this.#stalled();
    new Gauge({
      name: 'sluice_consumer_stalled_seconds',
      help: 'For how long a partition that this process holds has made no progress, although records wait in it',
      labelNames: ['role', 'group', 'topic', 'partition'],
      registers: [metrics],
      collect() {
        this.reset();
        for (const { of, partition, stalledMs } of stalled())
          this.set({ role: of.role, group: of.group, topic: of.topic, partition }, stalledMs / 1000);
      },
    });
  }
}
