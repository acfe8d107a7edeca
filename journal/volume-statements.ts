/** The short statements that one volume is read by, and the rows that they give: as stored, offsets but `prev` less the volume's base. */
import type Database from 'better-sqlite3';
import { KEY, OFFSET_OF } from './volume-schema.ts';

export interface ClientRow {
  readonly no: number;
  readonly head: number;
  readonly count: number;
  readonly time: number;
  readonly chain: Buffer;
}

export interface EntryPlace {
  readonly row: number;
  readonly offset: number;
  readonly prev: number;
  readonly ordinal: number;
  readonly time: number;
  readonly chain: Buffer;
}

export interface SegmentRow {
  readonly last: number;
  readonly first: number;
  readonly row: number;
  readonly count: number;
  readonly ordinal: number;
  readonly finish: number;
  readonly bytes: number;
}

export interface Fence {
  readonly last: number;
  readonly ordinal: number;
  readonly finish: number;
}

/** @throws {SqliteError} the database is damaged, or of another layout */
export function prepareStatements(database: Database.Database) {
  /** Client, offset, client, offset: first and last key. */
  type Keys = [number, number, number, number];
  type Cut = { offset: number; ordinal: number; position: number; finish: number };
  const keys = `key between ${KEY} and ${KEY}`;
  const last = `${OFFSET_OF('key')} as last`;
  const segment = `${last}, first, row, count, ordinal, finish, length(data) as bytes`;
  const place = 'row, offset, prev, ordinal, time, chain';
  const cut = 'offset, ordinal, position, position + length as finish';
  const rows = 'row between ? and ?';
  return {
    state: database.prepare<[], { epoch: string; position: number; floor: number; next: number | null }>(
      'select epoch, position, floor, next from volume',
    ),
    client: database.prepare<[string], ClientRow>('select no, head, count, time, chain from client where name = ?'),
    segment: database.prepare<Keys, SegmentRow>(`select ${segment} from segment where ${keys} order by key limit 1`),
    segmentBefore: database.prepare<Keys, SegmentRow>(
      `select ${segment} from segment where ${keys} order by key desc limit 1`,
    ),
    fence: database.prepare<Keys, Fence>(
      `select ${last}, ordinal, finish from segment where ${keys} order by key desc limit 1`,
    ),
    highTime: database.prepare<Keys, { last: number; high: number }>(
      `select ${last}, high_time as high from segment where ${keys} order by key limit 1`,
    ),
    pieces: database.prepare<Keys, Buffer>(`select data from segment where ${keys} order by key`).pluck(),
    joined: database
      .prepare<Keys, Buffer>(
        `select cast(group_concat(data, '') as blob) from (select data from segment where ${keys} order by key)`,
      )
      .pluck(),
    slice: database.prepare<Keys, Buffer>(`select substr(data, ?, ?) from segment where key = ${KEY}`).pluck(),
    firstPlace: database.prepare<[number, number, number], EntryPlace>(
      `select ${place} from entry where ${rows} and offset >= ? order by row limit 1`,
    ),
    lastPlace: database.prepare<[number, number, number], EntryPlace>(
      `select ${place} from entry where ${rows} and offset <= ? order by row desc limit 1`,
    ),
    cutFrom: database.prepare<[number, number, number, number], Cut>(
      `select ${cut} from entry where ${rows} and offset between ? and ? order by row limit 1`,
    ),
    cutTo: database.prepare<[number, number, number, number, number], Cut>(
      `select ${cut} from entry where ${rows} and offset between ? and ? and position + length <= ?
       order by row desc limit 1`,
    ),
    timed: database
      .prepare<[number, number, number], number>(
        `select offset from entry where ${rows} and time >= ? order by row limit 1`,
      )
      .pluck(),
    transactions: database.prepare<[number, number, number], { name: string; first: number }>(
      'select name, first from txn where client = ? and first > ? order by first limit ?',
    ),
    transaction: database.prepare<[number, string], { last: number; count: number }>(
      `select max(offset) as last, count(*) as count
       from entry where txn = (select no from txn where client = ? and name = ?)`,
    ),
  };
}
