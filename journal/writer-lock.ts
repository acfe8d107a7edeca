/**
 * One writer a folder: a lock that the operating system gives back however its holder dies.
 *
 * It is an exclusive transaction on an otherwise empty SQLite database, held as long as the writer is open.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { JournalInUseError, journalError } from './errors.ts';

export interface WriterLock {
  release(): void;
}

/** @throws {JournalInUseError | JournalUnavailableError} */
export function lockForWriting(folder: string): WriterLock {
  const path = join(folder, 'writer.lock');
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: 0 });
    // Nothing is ever written, so no rollback journal needs to reach the disk.
    database.pragma('journal_mode = MEMORY');
    database.exec('begin exclusive');
  } catch (error) {
    database?.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY'))
      throw new JournalInUseError(folder);
    throw journalError(error, path);
  }
  const held = database;
  return { release: () => held.close() };
}
