/**
 * Hands the records of one partition to a handler, one batch at a time, from a position on: the loop that is the same
 * for every log.
 *
 * fetch → handle → advance. While the handler is pending nothing is fetched. A handler that throws gets the unfinished
 * records again after a pause that grows until there is progress.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Batch, BatchHandler, LogRecord, TopicPartition } from './log.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 10_000;

export interface Fetched {
  /** Ascending by offset; none if there is nothing at or after the position yet. */
  readonly records: readonly LogRecord[];
  /** Offset that the next record of the partition will get. */
  readonly end: number;
}

export interface PartitionConsumerOptions {
  readonly source: TopicPartition;
  /** First offset wanted. */
  readonly position: number;
  /** Must return at least one record if there is one, whatever its size; none at once when the signal aborts. */
  readonly fetch: (position: number, signal: AbortSignal) => Fetched | Promise<Fetched>;
  readonly onBatch: BatchHandler;
  /** All before `position` is done. */
  readonly onProgress: (position: number) => void;
  /** What is being retried. */
  readonly onError: (error: unknown) => void;
}

export class PartitionConsumer {
  readonly #options: PartitionConsumerOptions;
  readonly #abort = new AbortController();
  readonly #loop: Promise<void>;
  #position: number;
  #failures = 0;
  #wake: (() => void) | undefined;
  #woken = false;

  constructor(options: PartitionConsumerOptions) {
    this.#options = options;
    this.#position = options.position;
    this.#loop = this.#run();
  }

  /** Next offset that is not done. */
  get position(): number {
    return this.#position;
  }

  /** Says that there may be something to fetch. */
  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Aborts the signal of the pending batch; resolves when its handler has settled. Idempotent. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#wake?.();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      this.#woken = false;
      try {
        const { records, end } = await this.#options.fetch(this.#position, signal);
        if (signal.aborted) return;
        if (records.length === 0) await this.#waitForWake();
        else await this.#handle(records, end);
      } catch (error) {
        // Once aborted, throwing is how a handler leaves its work to the next owner.
        if (signal.aborted) return;
        this.#options.onError(error);
        await this.#pause();
      }
      // A handler that never waits for anything must not keep timers and sockets from their turn.
      await nextTurn();
    }
  }

  async #handle(records: readonly LogRecord[], end: number): Promise<void> {
    const { source, onBatch } = this.#options;
    const last = records.at(-1)!.offset;
    let pending = true;
    const batch: Batch = {
      topic: source.topic,
      partition: source.partition,
      records,
      end: Math.max(end, last + 1),
      signal: this.#abort.signal,
      finished: (offset) => {
        if (pending) this.#advance(Math.min(offset, last) + 1);
      },
    };
    try {
      await onBatch(batch);
      this.#advance(last + 1);
    } finally {
      pending = false;
    }
  }

  #advance(position: number): void {
    if (position <= this.#position) return;
    this.#position = position;
    this.#failures = 0;
    this.#options.onProgress(position);
  }

  async #pause(): Promise<void> {
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures++, LONGEST_PAUSE_MS);
    // Half of it at random, so that partitions that failed together do not come back together.
    await sleep(longest * (0.5 + Math.random() / 2), undefined, { signal: this.#abort.signal }).catch(() => undefined);
  }

  async #waitForWake(): Promise<void> {
    if (this.#woken || this.#abort.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}
