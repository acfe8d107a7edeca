/**
 * Fetches records for many partitions over few requests.
 *
 * Partitions that had nothing to read wait together, in one request to their leader that the broker holds back until there is
 * something ('idle'). Those that are being read go in a second one that is held back for a moment only ('busy'), so that a
 * partition whose handler is ready never waits for the quiet ones. Each partition asks only when its handler wants
 * more: what is in memory is bounded by what handlers have in hand. Groups of one process that wait for the same partition
 * share its place in the request, and the answer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogRecord, TopicPartition } from '../log.ts';
import type { Fetched } from '../partition-consumer.ts';
import type { KafkaClient } from './client.ts';
import { faultOfCode } from './connections.ts';
import { isFault, KafkaFault } from './fault.ts';
import { decodeBatches } from './record-batch.ts';
import { type FetchedSet, type FetchPosition, fetchRequest } from './requests.ts';
import type { TopicDirectory } from './topic-directory.ts';

const IDLE_WAIT_MS = 500;
const BUSY_WAIT_MS = 15;
/** Of one answer, over all partitions. The first batch comes whatever its size. */
const ANSWER_BYTES = 32 << 20;
const NO_LEADER_PAUSE_MS = 100;

interface Wish {
  readonly source: TopicPartition;
  readonly position: number;
  maxBytes: number;
  idle: boolean;
  cancelled: boolean;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

interface Answer extends Fetched {
  /** Position after everything that was answered: past the last record where compaction took those that followed. */
  readonly next: number;
}

/** The requests to one broker. */
class Lanes {
  readonly wishes = new Set<Wish>();
  readonly inFlight = { idle: false, busy: false };
}

export class Fetcher {
  readonly #client: KafkaClient;
  readonly #directory: TopicDirectory;
  readonly #lanes = new Map<number, Lanes>();
  #closed = false;

  constructor(client: KafkaClient, directory: TopicDirectory) {
    this.#client = client;
    this.#directory = directory;
  }

  /**
   * Resolves when there are records at or after the position, or with none as the position moves past what compaction took.
   * @param signal on abort it resolves with none at once
   * @throws {KafkaFault} OFFSET_OUT_OF_RANGE and whatever may pass
   */
  async next(source: TopicPartition, position: number, maxBytes: number, signal: AbortSignal): Promise<Answer> {
    const leader = await this.#directory.leader(source);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const wish: Wish = { source, position, maxBytes, idle: false, cancelled: signal.aborted, resolve, reject };
    const lanes = this.#lanes.get(leader) ?? new Lanes();
    this.#lanes.set(leader, lanes);
    const cancel = () => {
      wish.cancelled = true;
      lanes.wishes.delete(wish);
      resolve({ records: [], end: position, next: position });
    };
    if (wish.cancelled) cancel();
    else {
      signal.addEventListener('abort', cancel);
      lanes.wishes.add(wish);
      this.#dispatch(leader, lanes);
    }
    return promise.finally(() => signal.removeEventListener('abort', cancel));
  }

  close(): void {
    this.#closed = true;
    for (const { wishes } of this.#lanes.values()) this.#reject(wishes, new KafkaFault('CLOSED', 'closed', false));
  }

  #dispatch(leader: number, lanes: Lanes): void {
    if (this.#closed) return;
    const take = (wanted: (wish: Wish) => boolean) => {
      const taken = [...lanes.wishes].filter(wanted);
      for (const wish of taken) lanes.wishes.delete(wish);
      return taken;
    };
    if (!lanes.inFlight.idle)
      this.#request(
        leader,
        lanes,
        'idle',
        take(({ idle }) => idle),
      );
    if (!lanes.inFlight.busy)
      this.#request(
        leader,
        lanes,
        'busy',
        take(() => true),
      );
  }

  async #request(leader: number, lanes: Lanes, lane: 'idle' | 'busy', wishes: readonly Wish[]): Promise<void> {
    if (wishes.length === 0) return;
    lanes.inFlight[lane] = true;
    try {
      const slots = [...Map.groupBy(wishes, ({ source }) => `${source.partition}/${source.topic}`).values()];
      const waitMs = lane === 'idle' ? IDLE_WAIT_MS : BUSY_WAIT_MS;
      const request = fetchRequest(slots.map(positionOf), waitMs, ANSWER_BYTES);
      const sets = await this.#client.send(leader, `fetch ${lane}`, request);
      await Promise.all(slots.map((slot) => this.#answer(slot, sets, lanes)));
    } catch (error) {
      for (const { source } of wishes) this.#directory.forget(source.topic);
      this.#reject(wishes, error);
    } finally {
      lanes.inFlight[lane] = false;
      this.#dispatch(leader, lanes);
    }
  }

  /** @param slot the wishes that were one place of the request */
  async #answer(slot: readonly Wish[], sets: readonly FetchedSet[], lanes: Lanes): Promise<void> {
    const { topic, partition, offset: asked } = positionOf(slot);
    const set = sets.find((it) => it.topic === topic && it.partition === partition);
    const fault = faultOfCode(set?.error ?? -1);
    if (isFault(fault, 'OFFSET_OUT_OF_RANGE')) {
      for (const wish of slot)
        if (wish.position === asked) wish.reject(fault);
        else again(wish, lanes);
      return;
    }
    if (set === undefined || fault !== undefined) {
      // Someone else leads the partition now, or nobody does.
      this.#directory.forget(topic);
      await sleep(NO_LEADER_PAUSE_MS);
      this.#reject(slot, fault);
      return;
    }
    try {
      const decoded = await decodeBatches(set.records, asked);
      const records = decoded.records.map((record): LogRecord => ({ topic, partition, ...record }));
      for (const wish of slot) {
        const { position } = wish;
        if (decoded.next > position) {
          const own = position === asked ? records : records.filter(({ offset }) => offset >= position);
          wish.resolve({ records: own, end: set.end, next: decoded.next });
        } else {
          wish.idle = set.end <= position;
          // The partition's next batch is larger than what was asked for: at once again, for more.
          if (!wish.idle && position === asked) wish.maxBytes = ANSWER_BYTES;
          again(wish, lanes);
        }
      }
    } catch (error) {
      this.#reject(slot, error);
    }
  }

  #reject(wishes: Iterable<Wish>, error: unknown): void {
    for (const { reject } of wishes) reject(error);
  }
}

/**
 * A request names each partition once: of one that is named twice the broker answers one position only. What several groups
 * want of it is asked for from the earliest of their positions.
 */
function positionOf(slot: readonly Wish[]): FetchPosition {
  const offset = Math.min(...slot.map(({ position }) => position));
  return { ...slot[0]!.source, offset, maxBytes: Math.max(...slot.map(({ maxBytes }) => maxBytes)) };
}

function again(wish: Wish, lanes: Lanes): void {
  if (!wish.cancelled) lanes.wishes.add(wish);
}
