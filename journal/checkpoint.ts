/**
 * The journal's own checkpoints: move the WAL into the database and cut it off.
 *
 * SQLite's automatic, passive ones never restart the WAL while some reader is always on it, so it grows without end.
 * RESTART and TRUNCATE wait for the readers of the moment, who hold it only for one short statement.
 *
 * RESTART leaves the file as long as it is, and what is appended next is written over it: syncing a file that does not grow takes
 * about half as long, since the file system has no new blocks to note down.
 */
import Database from 'better-sqlite3';

/** Longest wait for readers to leave. Past it the WAL has been copied all the same, only not begun anew. */
const WAIT_MS = 100;

/**
 * @param keptBytes of the WAL's file at most, to be written over; 0 to remove its content
 * @returns false where readers, or a full disk, kept the WAL from being begun anew: try again later
 */
export function checkpoint(database: Database.Database, keptBytes: number): boolean {
  database.pragma(`busy_timeout = ${WAIT_MS}`);
  try {
    database.pragma(`journal_size_limit = ${keptBytes}`);
    const [result] = database.pragma(`wal_checkpoint(${keptBytes > 0 ? 'RESTART' : 'TRUNCATE'})`) as [{ busy: number }];
    return result.busy === 0;
  } catch (error) {
    // What is committed is safe in the WAL. Damage, by contrast, must not be swallowed.
    if (error instanceof Database.SqliteError && /^SQLITE_(FULL|IOERR|BUSY|LOCKED)/.test(error.code)) return false;
    throw error;
  } finally {
    database.pragma('busy_timeout = 5000');
  }
}
