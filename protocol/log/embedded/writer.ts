/**
 * The one writer of an opened log: runs operations in groups, one transaction a group (group commit).
 *
 * A group with a durable operation ends with an fsync, which acknowledges all of it; one of only leases and positions
 * does not (synchronous=NORMAL): those survive the end of a process, and a power cut sets them back a little, which costs
 * repeats but no loss.
 */
import { mkdirSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { append } from './append.ts';
import { retryWhileBusy } from './busy.ts';
import { Checkpoints } from './checkpoint.ts';
import { claim, commit, commitOffsets, heartbeat, join, leave, release } from './groups.ts';
import { holdInstanceLock } from './instance-lock.ts';
import { LogState } from './log-state.ts';
import {
  type Answer,
  type Call,
  type Changes,
  DURABLE,
  type OperationName,
  type Operations,
  Refusal,
  type WriterSettings,
} from './operations.ts';
import { retain } from './retention.ts';
import { openForWriting } from './schema.ts';
import { alterTopic, createTopics, deleteTopic } from './topic-changes.ts';

/** Functions that answer nothing need not say so. */
type Handlers = {
  [K in OperationName]: Operations[K]['result'] extends undefined
    ? (request: Operations[K]['request']) => void
    : (request: Operations[K]['request']) => Operations[K]['result'];
};

export class Writer {
  readonly #settings: WriterSettings;
  readonly #db: Database.Database;
  readonly #state: LogState;
  readonly #checkpoints: Checkpoints;
  readonly #handlers: Handlers;
  #synchronous: 'FULL' | 'NORMAL' = 'FULL';
  #dropInstanceLock: (() => void) | undefined;

  constructor(settings: WriterSettings) {
    this.#settings = settings;
    mkdirSync(settings.folder, { recursive: true });
    this.#db = openForWriting(settings.folder, settings.busyTimeoutMs);
    this.#state = new LogState(this.#db);
    this.#checkpoints = new Checkpoints(this.#db);
    this.#handlers = handlers(this.#state, settings, () => this.#holdInstanceLock());
  }

  /**
   * Runs the calls in one transaction. A refused call does not touch the others; when the transaction itself fails, all
   * of them are answered with `unavailable`.
   */
  run(calls: readonly Call[]): { answers: Answer[]; changes: Changes | undefined } {
    try {
      this.#synchronize(calls.some(({ operation }) => DURABLE.has(operation)) ? 'FULL' : 'NORMAL');
      retryWhileBusy(this.#settings.busyTimeoutMs, () => this.#db.exec('BEGIN IMMEDIATE'));
      this.#state.begin();
      const answers = calls.map((call) => this.#answer(call));
      const changes = this.#state.end();
      retryWhileBusy(this.#settings.busyTimeoutMs, () => this.#db.exec('COMMIT'));
      return { answers, changes };
    } catch (error) {
      this.#rollBack();
      const failure = { kind: 'unavailable', message: `the log cannot write: ${messageOf(error)}` } as const;
      return { answers: calls.map(({ id }) => ({ id, failure })), changes: undefined };
    }
  }

  /** What may wait until nobody does: moving pages from the write-ahead log to the database. */
  tidy(): void {
    this.#checkpoints.run();
  }

  close(): void {
    this.#dropInstanceLock?.();
    this.#db.close();
  }

  #answer({ id, operation, request }: Call): Answer {
    try {
      return { id, result: (this.#handlers[operation] as (request: unknown) => unknown)(request) };
    } catch (error) {
      if (error instanceof Refusal) return { id, failure: error.failure };
      throw error;
    }
  }

  #synchronize(wanted: 'FULL' | 'NORMAL'): void {
    if (this.#synchronous === wanted) return;
    this.#db.pragma(`synchronous = ${wanted}`);
    this.#synchronous = wanted;
  }

  #rollBack(): void {
    this.#state.forget();
    try {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
    } catch {
      // SQLite rolls back by itself on some faults of the disk.
    }
    // A full disk: room in the write-ahead log is room to delete what retention allows.
    this.#checkpoints.runNow();
  }

  #holdInstanceLock(): void {
    this.#dropInstanceLock ??= holdInstanceLock(this.#settings.folder, this.#settings.instance);
  }
}

function handlers(state: LogState, membership: WriterSettings, holdLock: () => void): Handlers {
  return {
    produce: (request) => append(state, request),
    createTopics: ({ definitions }) => createTopics(state, definitions),
    alterTopic: ({ definition }) => alterTopic(state, definition),
    deleteTopic: ({ name }) => deleteTopic(state, name),
    join: (request) => {
      holdLock();
      return join(state, membership, request);
    },
    heartbeat: (request) => heartbeat(state, membership, request),
    claim: (request) => claim(state, request),
    commit: ({ group, positions }) => commit(state, group, positions),
    release: ({ group, leases }) => release(state, group, leases),
    leave: (request) => leave(state, request),
    commitOffsets: (request) => commitOffsets(state, membership, request),
    retain: ({ now, intervalMs }) => retain(state, now, intervalMs),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
