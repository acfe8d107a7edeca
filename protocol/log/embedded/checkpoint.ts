/**
 * Moves pages from the write-ahead log into the database file.
 *
 * SQLite does so inside whichever commit crosses a threshold, in the writer thread, which is as good a moment as any. But it
 * never starts the log anew while some reader is in it, so under readers that come and go the file grows without bound. Past
 * a size, therefore, the writer waits a moment for the readers (they read for milliseconds at a time) and cuts the file.
 */
import { statSync } from 'node:fs';
import type Database from 'better-sqlite3';

/** Of pages not yet moved. Larger means fewer fsyncs and a longer recovery after a kill. */
const CHECKPOINT_BYTES = 16 << 20;
const TRUNCATE_BYTES = 128 << 20;
const READERS_WAIT_MS = 100;

export class Checkpoints {
  readonly #db: Database.Database;
  readonly #wal: string;
  readonly #pageSize: number;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#wal = `${db.name}-wal`;
    this.#pageSize = db.pragma('page_size', { simple: true }) as number;
    db.pragma(`wal_autocheckpoint = ${Math.ceil(CHECKPOINT_BYTES / this.#pageSize)}`);
    db.pragma(`journal_size_limit = ${TRUNCATE_BYTES}`);
  }

  run(): void {
    if (this.#walBytes() > TRUNCATE_BYTES) this.runNow();
  }

  /** Whether it got all the way does not matter: the next one goes on. */
  runNow(): void {
    try {
      this.#db.pragma(`busy_timeout = ${READERS_WAIT_MS}`);
      this.#db.pragma('wal_checkpoint(TRUNCATE)');
    } catch {
      // No room in the database file either: what is committed is safe in the write-ahead log.
    } finally {
      this.#db.pragma('busy_timeout = 0');
    }
  }

  #walBytes(): number {
    return statSync(this.#wal, { throwIfNoEntry: false })?.size ?? 0;
  }
}
