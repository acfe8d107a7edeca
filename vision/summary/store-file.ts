/**
 * The SQLite file behind the store of a partition: its tables, and whether the one that lies there may be used.
 *
 * A file that does not fit is set aside, since all that it says can be read from the log again. So it need not survive a power
 * cut either (`synchronous = NORMAL`: it may fall back a little, as a whole).
 */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createUsageTable } from './usage-table.ts';

const SCHEMA_VERSION = 1;

class UnfitStoreError extends Error {
  override readonly name = 'UnfitStoreError';
}

/** Opens the file of a partition, an empty one where there is none that fits `epoch` or the one there is damaged. */
export function openStoreFile(folder: string, partition: number, epoch: string): Database.Database {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `partition-${partition}.sqlite`);
  try {
    return openFile(file, epoch);
  } catch (error) {
    if (!(error instanceof UnfitStoreError || isDamage(error))) throw error;
    setAside(file);
    return openFile(file, epoch);
  }
}

/** The file is not, or no longer, a sound database. */
export function isDamage(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code);
}

function openFile(file: string, epoch: string): Database.Database {
  const database = new Database(file);
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    database.pragma('foreign_keys = ON');
    const version = database.pragma('user_version', { simple: true });
    if (version === 0) create(database, epoch);
    else if (version !== SCHEMA_VERSION) throw new UnfitStoreError('the store is of another release');
    if (database.pragma('quick_check', { simple: true }) !== 'ok') throw new UnfitStoreError('the store is damaged');
    const known = database.prepare('SELECT epoch FROM incarnation').pluck().get();
    if (known !== epoch) throw new UnfitStoreError('the store is of another incarnation of the log');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function create(database: Database.Database, epoch: string): void {
  database.transaction(() => {
    database.exec(`
      CREATE TABLE incarnation (epoch TEXT NOT NULL);
      CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE "transaction" (
        id INTEGER PRIMARY KEY,
        client TEXT NOT NULL,
        name TEXT NOT NULL,
        last_time INTEGER NOT NULL,
        due INTEGER,
        revision INTEGER,
        digest TEXT,
        given_at INTEGER,
        changed INTEGER NOT NULL,
        UNIQUE (client, name)
      );
      CREATE INDEX transaction_due ON "transaction" (due) WHERE due IS NOT NULL;
      CREATE INDEX transaction_last_time ON "transaction" (last_time);
      CREATE TABLE fact (
        "transaction" INTEGER NOT NULL REFERENCES "transaction" (id) ON DELETE CASCADE,
        message_id TEXT NOT NULL,
        type TEXT NOT NULL,
        event_time INTEGER NOT NULL,
        time INTEGER NOT NULL,
        granted INTEGER NOT NULL,
        token TEXT NOT NULL,
        traceparent TEXT NOT NULL,
        payload BLOB NOT NULL,
        PRIMARY KEY ("transaction", message_id)
      ) WITHOUT ROWID;
    `);
    createUsageTable(database);
    database.prepare('INSERT INTO incarnation VALUES (?)').run(epoch);
    database.pragma(`user_version = ${SCHEMA_VERSION}`);
  })();
}

/** Keeps the last unfit store for whoever wants to know; the files of its journal go with it. */
function setAside(file: string): void {
  renameSync(file, `${file}.unfit`);
  for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true });
}
