/**
 * Remembers submissions by their idempotency key: what was in them, how their images were named, and what was answered.
 *
 * The names are written down before anything is appended, so that a submission that was cut off, by the end of the process
 * too, names the same images when it is repeated, and whatever was appended twice is recognised as one.
 * Survives a killed process; what a power cut may take is at most the memory of the last moments.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** Client and transaction bound a key: nobody meets anybody else's. */
export interface SubmissionKey {
  readonly client: string;
  readonly transaction: string;
  readonly key: string;
}

export type Beginning =
  /** Never finished before: append under these names. */
  | { readonly kind: 'go'; readonly imageIds: readonly string[] }
  /** Finished before: this was answered. */
  | { readonly kind: 'repeat'; readonly answer: unknown }
  /** The same submission is being taken in at this moment. */
  | { readonly kind: 'in progress' }
  /** The key stands for other content. */
  | { readonly kind: 'conflict' };

interface Row {
  readonly fingerprint: Buffer;
  readonly image_ids: string;
  readonly answer: string | null;
}

export class IdempotencyStore {
  readonly #database: Database.Database;
  readonly #find: Database.Statement<[string], Row>;
  readonly #insert: Database.Statement<[string, Buffer, string, number]>;
  readonly #answer: Database.Statement<[string, string]>;
  /** Being taken in by this process. */
  readonly #inProgress = new Set<string>();

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#database = new Database(join(folder, 'idempotency.sqlite'));
    this.#database.pragma('journal_mode = WAL');
    this.#database.pragma('synchronous = OFF');
    this.#database.exec(`
      CREATE TABLE IF NOT EXISTS submission (
        name TEXT PRIMARY KEY,
        fingerprint BLOB NOT NULL,
        image_ids TEXT NOT NULL,
        answer TEXT,
        time INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS submission_time ON submission (time);
    `);
    this.#find = this.#database.prepare('SELECT fingerprint, image_ids, answer FROM submission WHERE name = ?');
    this.#insert = this.#database.prepare(
      'INSERT INTO submission (name, fingerprint, image_ids, time) VALUES (?, ?, ?, ?)',
    );
    this.#answer = this.#database.prepare('UPDATE submission SET answer = ? WHERE name = ?');
  }

  /**
   * @param fingerprint of everything that makes the submission what it is
   * @param imageIds the names to give, if it has none yet
   * @param now ms since the epoch
   */
  begin(key: SubmissionKey, fingerprint: Buffer, imageIds: () => readonly string[], now: number): Beginning {
    const name = nameOf(key);
    const known = this.#find.get(name);
    if (known !== undefined && !known.fingerprint.equals(fingerprint)) return { kind: 'conflict' };
    if (known?.answer != null) return { kind: 'repeat', answer: JSON.parse(known.answer) };
    if (this.#inProgress.has(name)) return { kind: 'in progress' };
    const ids = known === undefined ? imageIds() : JSON.parse(known.image_ids);
    if (known === undefined) this.#insert.run(name, fingerprint, JSON.stringify(ids), now);
    // Only now: what cannot be written down, for want of disk, is not in progress for ever.
    this.#inProgress.add(name);
    return { kind: 'go', imageIds: ids };
  }

  /** The submission is on the log, and this is answered. */
  finish(key: SubmissionKey, answer: unknown): void {
    const name = nameOf(key);
    this.#answer.run(JSON.stringify(answer), name);
    this.#inProgress.delete(name);
  }

  /** The submission did not come to its end: it may be tried again. Nothing happens after `finish`. */
  release(key: SubmissionKey): void {
    this.#inProgress.delete(nameOf(key));
  }

  /** Forgets submissions from before `time`, ms since the epoch. @returns how many */
  forgetBefore(time: number): number {
    return this.#database.prepare('DELETE FROM submission WHERE time < ?').run(time).changes;
  }

  close(): void {
    this.#database.close();
  }
}

/** None of the three parts can hold a line break. */
function nameOf({ client, transaction, key }: SubmissionKey): string {
  return `${client}\n${transaction}\n${key}`;
}
