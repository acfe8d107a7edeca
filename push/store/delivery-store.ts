/**
 * What the read side keeps: how far each endpoint has got, and the dead letters.
 *
 * Progress is stored for all endpoints together, now and then: what was pushed since the last time is what a crash pushes
 * again. Dead letters are stored as they come, with the message itself, since the journal may retire it first.
 */
import Database from 'better-sqlite3';
import type { Health } from '../machines/health.ts';
import type { Position } from '../machines/progress.ts';

const SCHEMA = `
  create table if not exists progress (
    endpoint text primary key,
    epoch text not null,
    position text not null,
    health text not null
  ) strict, without rowid;
  create table if not exists dead_letter (
    id integer primary key autoincrement,
    endpoint text not null,
    client text not null,
    epoch text not null,
    offset integer not null,
    message_id text not null,
    type text not null,
    transaction_id text not null,
    time integer not null,             -- of the message, ms
    died integer not null,             -- ms
    attempts integer not null,
    cause text not null,
    frame blob not null,
    replay integer not null default 0, -- 1: to be pushed again
    unique (endpoint, epoch, offset)
  ) strict;
  create index if not exists dead_letter_client on dead_letter (client, id);
  create index if not exists dead_letter_replay on dead_letter (endpoint, id) where replay = 1;
`;

export interface SavedProgress {
  readonly endpoint: string;
  readonly epoch: string;
  readonly position: Position;
  readonly health: Health;
}

export interface DeadLetter {
  readonly id: number;
  readonly endpoint: string;
  readonly client: string;
  readonly epoch: string;
  readonly offset: number;
  readonly messageId: string;
  readonly type: string;
  readonly transaction: string;
  readonly time: number;
  readonly died: number;
  readonly attempts: number;
  readonly cause: string;
  /** Waits for being pushed again. */
  readonly replay: boolean;
}

export type NewDeadLetter = Omit<DeadLetter, 'id' | 'replay'> & { readonly frame: Uint8Array };

export interface ReplayLetter {
  readonly id: number;
  readonly offset: number;
  readonly messageId: string;
  readonly type: string;
  readonly transaction: string;
  readonly time: number;
  readonly frame: Buffer;
}

const LETTER = `id, endpoint, client, epoch, offset, message_id as messageId, type, transaction_id as "transaction", time,
  died, attempts, cause, replay`;

export class DeliveryStore {
  readonly #database: Database.Database;
  readonly #saveProgress: Database.Statement;

  constructor(file: string) {
    this.#database = new Database(file);
    this.#database.pragma('journal_mode = wal');
    this.#database.pragma('synchronous = full');
    this.#database.exec(SCHEMA);
    this.#saveProgress = this.#database.prepare('insert or replace into progress values (?, ?, ?, ?)');
  }

  /** undefined where nothing is stored, or of another epoch: then the endpoint is at its beginning. */
  progress(endpoint: string, epoch: string): SavedProgress | undefined {
    const sql = 'select position, health from progress where endpoint = ? and epoch = ?';
    const row = this.#database
      .prepare<[string, string], { position: string; health: string }>(sql)
      .get(endpoint, epoch);
    if (row === undefined) return undefined;
    return { endpoint, epoch, position: JSON.parse(row.position), health: JSON.parse(row.health) };
  }

  saveProgress(all: readonly SavedProgress[]): void {
    this.#database.transaction(() => {
      for (const { endpoint, epoch, position, health } of all)
        this.#saveProgress.run(endpoint, epoch, JSON.stringify(position), JSON.stringify(health));
    })();
  }

  /** A letter that died before (and was pushed again in vain, or repeated after a crash) is replaced. */
  bury(letters: readonly NewDeadLetter[]): void {
    const insert = this.#database.prepare(
      `insert into dead_letter
         (endpoint, client, epoch, offset, message_id, type, transaction_id, time, died, attempts, cause, frame)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       on conflict (endpoint, epoch, offset) do update
         set died = excluded.died, attempts = excluded.attempts, cause = excluded.cause, replay = 0`,
    );
    this.#database.transaction(() => {
      for (const it of letters)
        insert.run(
          ...[it.endpoint, it.client, it.epoch, it.offset, it.messageId, it.type, it.transaction, it.time],
          ...[it.died, it.attempts, it.cause, it.frame],
        );
    })();
  }

  /** The client's dead letters, the oldest first. Page with `after`. */
  deadLetters(client: string, page: { readonly after: number; readonly limit: number }): DeadLetter[] {
    return this.#database
      .prepare<[string, number, number], DeadLetterRow>(
        `select ${LETTER} from dead_letter where client = ? and id > ? order by id limit ?`,
      )
      .all(client, page.after, page.limit)
      .map((row) => ({ ...row, replay: row.replay === 1 }));
  }

  /** @returns the endpoint that is to push it again; undefined where the client has no such letter */
  replayOne(client: string, id: number): string | undefined {
    const sql = 'update dead_letter set replay = 1 where client = ? and id = ? returning endpoint';
    return this.#database.prepare<[string, number], { endpoint: string }>(sql).get(client, id)?.endpoint;
  }

  /** Marks all that died at or after `since` (ms). @returns how many for each endpoint */
  replaySince(client: string, since: number): Map<string, number> {
    const sql = 'update dead_letter set replay = 1 where client = ? and died >= ? returning endpoint';
    const counts = new Map<string, number>();
    for (const { endpoint } of this.#database.prepare<[string, number], { endpoint: string }>(sql).all(client, since))
      counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1);
    return counts;
  }

  /** Letters of an endpoint that are to be pushed again, the oldest first, beyond `after`. */
  toReplay(endpoint: string, after: number, limit: number): ReplayLetter[] {
    return this.#database
      .prepare<[string, number, number], ReplayLetter>(
        `select id, offset, message_id as messageId, type, transaction_id as "transaction", time, frame
         from dead_letter where endpoint = ? and replay = 1 and id > ? order by id limit ?`,
      )
      .all(endpoint, after, limit);
  }

  /** It was pushed after all. */
  forget(id: number): void {
    this.#database.prepare('delete from dead_letter where id = ?').run(id);
  }

  deadLetterCount(client: string): number {
    const sql = 'select count(*) as count from dead_letter where client = ?';
    return this.#database.prepare<[string], { count: number }>(sql).get(client)!.count;
  }

  /** @returns how many died before `before` (ms) and are gone now */
  expireDeadLetters(before: number): number {
    return this.#database.prepare('delete from dead_letter where died < ? and replay = 0').run(before).changes;
  }

  close(): void {
    this.#database.close();
  }
}

type DeadLetterRow = Omit<DeadLetter, 'replay'> & { readonly replay: number };
