/**
 * Remembers, across deaths of the whole process, which images were in work when it died.
 *
 * An image is marked before it is touched and unmarked when its outcome is on the log. Marks that are found at the start are
 * of images that were in work when the process was killed. Inference runs in a child process, so an
 * image should not be able to do that; where one does (it exhausts the machine's memory, say), the service would die on
 * it for ever. Each image that was there at a death is therefore tried alone, and given up after a number of deaths.
 *
 * Marks need to survive a killed process, not a power cut: that is what `synchronous = OFF` still gives.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** Marks of images that never came again (their partition went to another machine) are dropped after this. */
const FORGET_AFTER_MS = 7 * 24 * 3_600_000;

export class Attempts {
  readonly #database: Database.Database;
  readonly #begin: Database.Statement<[string, number]>;
  readonly #deaths: Database.Statement<[string], { deaths: number }>;
  readonly #finish: Database.Statement<[string]>;
  readonly #release: Database.Statement<[string]>;

  /** @param now milliseconds since the epoch */
  constructor(folder: string, now: number) {
    mkdirSync(folder, { recursive: true });
    this.#database = new Database(join(folder, 'attempts.sqlite'));
    this.#database.pragma('journal_mode = WAL');
    this.#database.pragma('synchronous = OFF');
    this.#database.exec(`
      CREATE TABLE IF NOT EXISTS attempt (
        message_id TEXT PRIMARY KEY,
        deaths INTEGER NOT NULL DEFAULT 0,
        in_work INTEGER NOT NULL,
        since INTEGER NOT NULL
      ) WITHOUT ROWID;
      UPDATE attempt SET deaths = deaths + 1, in_work = 0 WHERE in_work = 1;
    `);
    this.#database.prepare('DELETE FROM attempt WHERE since < ?').run(now - FORGET_AFTER_MS);
    this.#begin = this.#database.prepare(
      'INSERT INTO attempt (message_id, in_work, since) VALUES (?, 1, ?) ON CONFLICT (message_id) DO UPDATE SET in_work = 1',
    );
    this.#deaths = this.#database.prepare('SELECT deaths FROM attempt WHERE message_id = ?');
    this.#finish = this.#database.prepare('DELETE FROM attempt WHERE message_id = ?');
    this.#release = this.#database.prepare('UPDATE attempt SET in_work = 0 WHERE message_id = ?');
  }

  /** How often the process has died with this image in work. */
  deaths(messageId: string): number {
    return this.#deaths.get(messageId)?.deaths ?? 0;
  }

  begin(messageId: string, now: number): void {
    this.#begin.run(messageId, now);
  }

  /** The image's outcome is on the log: forget it. */
  finish(messageId: string): void {
    this.#finish.run(messageId);
  }

  /** The image is handed back unfinished in an orderly way: keep only the deaths it had before. */
  release(messageId: string): void {
    this.#release.run(messageId);
  }

  close(): void {
    this.#database.close();
  }
}
