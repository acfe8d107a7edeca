/** The statements that one volume is written by, and those that its writer looks things up with. */
import type Database from 'better-sqlite3';
import type { ClientHead } from './segment-draft.ts';
import type { StoredMessageId } from './stored-message-id.ts';
import { KEY } from './volume-schema.ts';

/** Entries that `insertEntries` takes. */
export const ROWS_AT_ONCE = 16;

/** @throws {SqliteError} the database is damaged, or of another layout */
export function prepareWriteStatements(database: Database.Database) {
  return {
    begin: database.prepare('begin immediate'),
    wal: database.prepare<[], { log: number; checkpointed: number }>('pragma wal_checkpoint(NOOP)'),
    commit: database.prepare('commit'),
    head: database.prepare<[string], ClientHead>(
      'select no, name, head, count, time, bytes, chain from client where name = ?',
    ),
    greatestClient: database.prepare<[], number>('select max(no) from client').pluck(),
    setHead: database.prepare(
      `insert into client (no, name, head, count, time, bytes, chain) values (?, ?, ?, ?, ?, ?, ?)
       on conflict (no) do update set head = excluded.head, count = excluded.count, time = excluded.time,
                                      bytes = excluded.bytes, chain = excluded.chain`,
    ),
    holdsMessage: database.prepare<[StoredMessageId], number>('select 1 from entry where message = ?').pluck(),
    setState: database.prepare('update volume set appended = ?, position = ?, min_message = ?, max_message = ?'),
    setFloor: database.prepare('update volume set floor = ?'),
    setNext: database.prepare('update volume set next = ?'),
    insertSegment: database.prepare(
      `insert into segment (key, first, row, count, ordinal, finish, first_time, last_time, high_time, crc, data)
       values (${KEY}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    greatestRow: database.prepare<[], number>('select max(row) from entry').pluck(),
    insertEntry: database.prepare(insertEntries(1)),
    insertEntries: database.prepare(insertEntries(ROWS_AT_ONCE)),
    insertEntryLabel: database.prepare('insert into entry_label (label, row) values (?, ?)'),
    type: database.prepare<[string], number>('select no from type where name = ?').pluck(),
    insertType: database.prepare('insert into type (name) values (?)'),
    label: database.prepare<[string], number>('select no from label where name = ?').pluck(),
    insertLabel: database.prepare('insert into label (name) values (?)'),
    transaction: database.prepare<[number, string], number>('select no from txn where client = ? and name = ?').pluck(),
    insertTransaction: database.prepare('insert into txn (client, name, first) values (?, ?, ?)'),
  };
}

function insertEntries(rows: number): string {
  const columns = `row, start, segment, offset, prev, ordinal, time, type, txn,
                   message, confidence, labels, position, length, chain`;
  const values = columns.split(',').fill('?').join();
  return `insert into entry (${columns}) values ${Array(rows).fill(`(${values})`).join()}`;
}
