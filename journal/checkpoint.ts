/**
 * The journal's own checkpoints: move the WAL into the database and cut it off.
 *
 * SQLite's automatic, passive ones never restart the WAL while some reader is always on it, so it grows without end.
 * TRUNCATE waits for the readers of the moment, who hold it only for one short statement.
 */
import Database from 'better-sqlite3';
import { fileBytes } from './volume-files.ts';

/** Longest wait for readers to leave. Past it the WAL has been copied all the same, only not cut off. */
const WAIT_MS = 100;

/** @returns false where readers, or a full disk, kept the WAL from being cut off: try again later */
export function checkpoint(database: Database.Database): boolean {
  database.pragma(`busy_timeout = ${WAIT_MS}`);
  try {
    const [result] = database.pragma('wal_checkpoint(TRUNCATE)') as [{ busy: number }];
    return result.busy === 0;
  } catch (error) {
    // What is committed is safe in the WAL. Damage, by contrast, must not be swallowed.
    if (error instanceof Database.SqliteError && /^SQLITE_(FULL|IOERR|BUSY|LOCKED)/.test(error.code)) return false;
    throw error;
  } finally {
    database.pragma('busy_timeout = 5000');
  }
}

export function walBytes(path: string): number {
  return fileBytes(`${path}-wal`);
}
