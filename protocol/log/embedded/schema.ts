/**
 * The database file of the embedded log.
 *
 * One file holds every topic, so that one fsync acknowledges whatever was produced meanwhile. Each partition has a table of
 * its own (`records_<slot>`): appends go to the right edge of one B-tree, and deleting a topic drops tables. A slot
 * names one partition of one incarnation of a topic and is never used twice.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { retryWhileBusy } from './busy.ts';

const FORMAT = 1;
const APPLICATION_ID = 0x51_07_ce_01;

const SCHEMA = `
  CREATE TABLE topics (
    name TEXT PRIMARY KEY,
    epoch TEXT NOT NULL,
    definition TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE partitions (
    slot INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL REFERENCES topics,
    partition INTEGER NOT NULL,
    earliest INTEGER NOT NULL DEFAULT 0,
    "end" INTEGER NOT NULL DEFAULT 0,
    last_timestamp INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, partition)
  );
  CREATE TABLE members (
    member TEXT PRIMARY KEY,
    group_name TEXT NOT NULL,
    instance TEXT NOT NULL,
    topics TEXT NOT NULL,
    lease_ms INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  -- owner has the partition now; target shall have it. lease counts the owners there have been: it fences the former ones.
  CREATE TABLE positions (
    group_name TEXT NOT NULL,
    slot INTEGER NOT NULL REFERENCES partitions ON DELETE CASCADE,
    committed INTEGER,
    owner TEXT,
    target TEXT,
    lease INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (group_name, slot)
  ) WITHOUT ROWID;
  -- Counters by which others notice that topics or groups changed, and when retention last ran.
  CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO state VALUES ('topics', 0), ('groups', 0), ('retained_at', 0);
`;

/**
 * Of each connection, in KiB. A reader's pages are dropped at each commit of another connection anyway, and the writer appends at
 * the right edge of each partition; whatever else is read lies in the operating system's cache. A larger one would only
 * fill up, tens of MiB in each process that has the log open.
 */
const CACHE_KIB = 2048;

const pathOf = (folder: string) => join(folder, 'log.sqlite');

/** Opens the database for writing, creating it where there is none. Waits for other openers up to `busyTimeoutMs`. */
export function openForWriting(folder: string, busyTimeoutMs: number): Database.Database {
  const db = new Database(pathOf(folder), { timeout: 0 });
  try {
    retryWhileBusy(busyTimeoutMs, () => {
      db.pragma('page_size = 8192'); // Images are large: fewer overflow pages. Has effect on a new file only.
      db.pragma('journal_mode = WAL');
      db.pragma('synchronous = FULL');
      db.pragma('foreign_keys = ON');
      db.pragma(`cache_size = -${CACHE_KIB}`);
      db.transaction(() => createOrCheck(db)).immediate();
    });
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opens the database for reading; a writer has created it. */
export function openForReading(folder: string, busyTimeoutMs: number): Database.Database {
  const db = new Database(pathOf(folder), { readonly: true, fileMustExist: true, timeout: busyTimeoutMs });
  db.pragma(`cache_size = -${CACHE_KIB}`);
  return db;
}

function createOrCheck(db: Database.Database): void {
  const format = db.pragma('user_version', { simple: true });
  if (format === 0) {
    db.exec(SCHEMA);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${FORMAT}`);
  } else if (format !== FORMAT || db.pragma('application_id', { simple: true }) !== APPLICATION_ID)
    throw new Error(`${pathOf(db.name)} is not an embedded log of format ${FORMAT}`);
}

export const recordsTable = (slot: number) => `records_${slot}`;

/** In an entity topic the latest record of a key replaces those before it: that takes an index by key. */
export function createRecordsTable(db: Database.Database, slot: number, kind: 'events' | 'entity'): void {
  const table = recordsTable(slot);
  // The value comes last: whatever is left of it lies in overflow pages, which readers of the other columns never touch.
  db.exec(`CREATE TABLE ${table} (
    "offset" INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, key TEXT NOT NULL, headers TEXT, value BLOB)`);
  if (kind === 'entity') db.exec(`CREATE INDEX ${table}_key ON ${table} (key)`);
}
