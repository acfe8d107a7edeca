/**
 * Keeps one partition's book: sends the summaries that are owed, then saves what was taken in.
 *
 * The position is saved only after the summaries are acknowledged. While the store cannot be written the work goes on for a bounded
 * time, since a position that is behind only means that work is repeated; after that consumption waits.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Log, ProduceRecord } from '../../protocol/log/log.ts';
import { RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import type { Fact } from './fact.ts';
import type { PartitionBook } from './partition-book.ts';
import type { PartitionStore } from './store.ts';
import { isDamage } from './store-file.ts';

const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 5_000;
/** Facts that wait in memory for the store at most. */
const MAX_UNSAVED_FACTS = 50_000;

export interface RunnerDependencies {
  readonly log: Log;
  readonly logger: Logger;
  readonly book: PartitionBook;
  readonly store: PartitionStore;
  readonly storeOutageMs: number;
  /** Milliseconds on a clock that does not jump. */
  readonly monotonic: () => number;
  readonly onSummaries: (count: number) => void;
  /** Told once when the book cannot go on and has to be opened again. */
  readonly onFault: (error: unknown) => void;
}

export interface TakenRecord {
  readonly offset: number;
  readonly fact: Fact | undefined;
}

export class PartitionRunner {
  readonly #to: RunnerDependencies;
  #turn: Promise<unknown> = Promise.resolve();
  #fault: unknown;
  /** Since when the store cannot be written. */
  #outageSince: number | undefined;

  constructor(dependencies: RunnerDependencies) {
    this.#to = dependencies;
  }

  get book(): PartitionBook {
    return this.#to.book;
  }

  get store(): PartitionStore {
    return this.#to.store;
  }

  get storeFails(): boolean {
    return this.#outageSince !== undefined;
  }

  /** Takes records in, and returns when what they caused is acknowledged. @throws the signal's reason */
  take(records: readonly TakenRecord[], signal: AbortSignal): Promise<void> {
    return this.#inTurn(() =>
      this.#orFault(signal, async () => {
        for (const { offset, fact } of records) this.book.take(offset, fact);
        await this.#settle(signal);
      }),
    );
  }

  /**
   * Lets time pass where no records do.
   * @param end where the log ends now
   * @param time to which stream time may move if everything up to there has been taken in
   */
  pass(end: number, time: number, signal: AbortSignal): Promise<void> {
    return this.#inTurn(() =>
      this.#orFault(signal, async () => {
        if (this.book.position < end) return;
        if (this.book.live) this.book.advance(time);
        await this.#settle(signal);
      }),
    );
  }

  /** Waits for what is under way and closes the store. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      this.store.close();
    });
  }

  /** Batches and ticks one after another. */
  #inTurn(action: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(action);
    this.#turn = mine.catch(() => {});
    return mine;
  }

  /** What fails for other reasons than being told to stop leaves the book between two records: it must not go on. */
  async #orFault(signal: AbortSignal, action: () => Promise<void>): Promise<void> {
    if (this.#fault !== undefined) throw this.#fault;
    try {
      await action();
    } catch (error) {
      if (signal.aborted) throw error;
      this.#fault = error;
      this.#to.onFault(error);
      throw error;
    }
  }

  async #settle(signal: AbortSignal): Promise<void> {
    const summaries = this.book.settle();
    if (summaries.length > 0) {
      await this.#send(summaries, signal);
      this.#to.onSummaries(summaries.length);
    }
    await this.#save(signal);
  }

  async #send(records: readonly ProduceRecord[], signal: AbortSignal): Promise<void> {
    await this.#persist(signal, async () => {
      await this.#to.log.produce(RESULTS_TOPIC, records);
    });
  }

  async #save(signal: AbortSignal): Promise<void> {
    if (!this.book.hasChanges) return;
    const save = async () => {
      this.store.save(this.book.changes());
      this.book.saved();
      this.#outageSince = undefined;
    };
    try {
      await save();
    } catch (error) {
      if (isDamage(error)) throw error;
      this.#outageSince ??= this.#to.monotonic();
      this.#to.logger.warn({ err: error }, 'the position cannot be stored');
      if (this.#mayGoOn()) return;
      await this.#persist(signal, save);
    }
  }

  #mayGoOn(): boolean {
    const outage = this.#to.monotonic() - this.#outageSince!;
    return outage < this.#to.storeOutageMs && this.book.unsavedFacts < MAX_UNSAVED_FACTS;
  }

  /** Tries until it succeeds or the partition is taken away. */
  async #persist(signal: AbortSignal, action: () => Promise<void>): Promise<void> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LAST_PAUSE_MS, pause * 2)) {
      signal.throwIfAborted();
      try {
        return await action();
      } catch (error) {
        if (isDamage(error)) throw error;
        this.#to.logger.warn({ err: error, pause }, 'summaries wait');
        await sleep(pause, undefined, { signal });
      }
    }
  }
}
