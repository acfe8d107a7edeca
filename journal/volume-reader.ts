/** The read side of one volume: short statements over rows that never change. Offsets are absolute at its surface. */
import Database from 'better-sqlite3';
import { JournalDamagedError, JournalFormatError, journalError } from './errors.ts';
import { FORMAT, KEY, OFFSET_OF, OFFSET_SPACE } from './volume-schema.ts';

export interface ClientRow {
  readonly no: number;
  readonly head: number;
  readonly count: number;
  readonly time: number;
  readonly chain: Buffer;
}

export interface EntryPlace {
  readonly offset: number;
  readonly prev: number;
  readonly ordinal: number;
  readonly time: number;
  readonly chain: Buffer;
}

/** Segments larger than this are handed out one by one; smaller ones are joined by SQLite, at no cost in JavaScript. */
const JOIN_BELOW_BYTES = 16_384;
const BUSY_MS = 5_000;
const PLACE = `${OFFSET_OF('key')} as offset, prev, ordinal, time, chain`;
const END = OFFSET_SPACE - 1;

interface SegmentRow {
  last: number;
  first: number;
  count: number;
  ordinal: number;
  finish: number;
  bytes: number;
}

export interface VolumeRange {
  readonly chunks: Buffer[];
  readonly count: number;
  readonly last: number;
}

export class VolumeReader {
  readonly base: number;
  readonly path: string;
  readonly database: Database.Database;
  readonly #statements: ReturnType<typeof prepareStatements>;

  /** @throws {JournalUnavailableError | JournalDamagedError | JournalFormatError} */
  constructor(path: string) {
    this.path = path;
    let database: Database.Database | undefined;
    try {
      database = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
      const row = database.prepare<[], { format: number; base: number }>('select format, base from volume').get();
      if (row === undefined) throw new JournalDamagedError(`${path} has no volume row`);
      if (row.format !== FORMAT) throw new JournalFormatError(path, row.format, FORMAT);
      this.base = row.base;
      this.#statements = prepareStatements(database);
      this.database = database;
    } catch (error) {
      database?.close();
      throw journalError(error, path);
    }
  }

  /** What changes while the volume is the newest. */
  state(): { epoch: string; position: number; floor: number; next: number | null } {
    return this.#statements.state.get()!;
  }

  client(name: string): ClientRow | undefined {
    return this.#statements.client.get(name);
  }

  /** The client's first entry past `after`. */
  firstAfter(client: number, after: number): EntryPlace | undefined {
    const from = this.#from(after);
    if (from === undefined) return undefined;
    return this.#absolute(this.#statements.firstPlace.get(client, from, client, END));
  }

  /** The client's last entry at or before `offset`. */
  lastUntil(client: number, offset: number): EntryPlace | undefined {
    if (offset < this.base) return undefined;
    return this.#absolute(this.#statements.lastPlace.get(client, 0, client, Math.min(offset - this.base, END)));
  }

  /**
   * Frames past `after`, not past `until`, in large pieces; at most `maxBytes`, or one frame where that alone is larger.
   * undefined where there is none.
   */
  range(client: number, after: number, until: number, maxBytes: number): VolumeRange | undefined {
    const from = this.#from(after);
    const to = Math.min(until - this.base, END);
    if (from === undefined || to < from) return undefined;
    const statements = this.#statements;
    const segment = statements.segment.get(client, from, client, END);
    if (segment === undefined || segment.first > to) return undefined;
    if (segment.first < from || segment.last > to || segment.bytes > maxBytes) {
      return this.#cut(client, segment, from, to, maxBytes);
    }
    let fence = statements.fence.get(client, segment.finish - segment.bytes + maxBytes)!;
    if (fence.last > to) fence = statements.fenceUntil.get(client, segment.last, client, to)!;
    const chunks =
      fence.last === segment.last || segment.bytes >= JOIN_BELOW_BYTES
        ? statements.pieces.all(client, segment.last, client, fence.last)
        : [statements.joined.get(client, segment.last, client, fence.last)!];
    return { chunks, count: fence.ordinal - segment.ordinal + segment.count, last: fence.last + this.base };
  }

  /** The first of the client's entries whose time is not before `time`; of entries none of which is, the first one left. */
  firstAtTime(client: number, time: number): number | undefined {
    const { highTime, timed, segment } = this.#statements;
    const last = this.#statements.lastPlace.get(client, 0, client, END);
    if (last === undefined) return undefined;
    // The greatest time so far rises with the key, so the segment where it reaches `time` is found by halving.
    let low = 0;
    let high = last.offset;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = highTime.get(client, middle, client, END)!;
      if (row.high >= time) high = middle;
      else low = row.last + 1;
    }
    const found = segment.get(client, low, client, END)!;
    return (timed.get(client, found.first, client, found.last, time) ?? found.first) + this.base;
  }

  /** Transactions of the client that begin in this volume past `after`, by their first entry in it. */
  transactions(client: number, after: number, limit: number): { name: string; first: number }[] {
    const rows = this.#statements.transactions.all(client, after - this.base, limit);
    return rows.map(({ name, first }) => ({ name, first: first + this.base }));
  }

  /** What this volume holds of a transaction; undefined where that is nothing. */
  transaction(client: number, name: string): { last: number; count: number } | undefined {
    const row = this.#statements.transaction.get(client, name);
    return row === undefined || row.count === 0 ? undefined : { last: row.last + this.base, count: row.count };
  }

  close(): void {
    this.database.close();
  }

  #cut(client: number, segment: SegmentRow, from: number, to: number, maxBytes: number): VolumeRange | undefined {
    const statements = this.#statements;
    const first = statements.cutFrom.get(client, from, client, Math.min(to, segment.last));
    if (first === undefined) return undefined;
    const last =
      statements.cutTo.get(client, first.offset, client, Math.min(to, segment.last), first.position + maxBytes) ??
      first;
    const data = statements.slice.get(first.position + 1, last.finish - first.position, client, segment.last)!;
    return { chunks: [data], count: last.ordinal - first.ordinal + 1, last: last.offset + this.base };
  }

  /** Where a walk past `after` begins, less base; undefined where that lies past anything this volume can hold. */
  #from(after: number): number | undefined {
    const from = Math.max(0, after + 1 - this.base);
    return from > END ? undefined : from;
  }

  #absolute(place: EntryPlace | undefined): EntryPlace | undefined {
    return place === undefined ? undefined : { ...place, offset: place.offset + this.base };
  }
}

function prepareStatements(database: Database.Database) {
  type Range = [number, number, number, number];
  type Cut = { offset: number; ordinal: number; position: number; finish: number };
  const between = `key between ${KEY} and ${KEY}`;
  const cut = `${OFFSET_OF('key')} as offset, ordinal, position, position + length as finish`;
  const segment = `${OFFSET_OF('key')} as last, first, count, ordinal, finish, length(data) as bytes`;
  return {
    state: database.prepare<[], { epoch: string; position: number; floor: number; next: number | null }>(
      'select epoch, position, floor, next from volume',
    ),
    client: database.prepare<[string], ClientRow>('select no, head, count, time, chain from client where name = ?'),
    firstPlace: database.prepare<Range, EntryPlace>(`select ${PLACE} from entry where ${between} order by key limit 1`),
    lastPlace: database.prepare<Range, EntryPlace>(
      `select ${PLACE} from entry where ${between} order by key desc limit 1`,
    ),
    segment: database.prepare<Range, SegmentRow>(
      `select ${segment} from segment where ${between} order by key limit 1`,
    ),
    fence: database.prepare<[number, number], { last: number; ordinal: number }>(
      `select ${OFFSET_OF('key')} as last, ordinal from segment
       where client = ? and finish <= ? order by finish desc limit 1`,
    ),
    fenceUntil: database.prepare<Range, { last: number; ordinal: number }>(
      `select ${OFFSET_OF('key')} as last, ordinal from segment where ${between} order by key desc limit 1`,
    ),
    pieces: database.prepare<Range, Buffer>(`select data from segment where ${between} order by key`).pluck(),
    joined: database
      .prepare<Range, Buffer>(
        `select cast(group_concat(data, '') as blob) from (select data from segment where ${between} order by key)`,
      )
      .pluck(),
    cutFrom: database.prepare<Range, Cut>(`select ${cut} from entry where ${between} order by key limit 1`),
    cutTo: database.prepare<[...Range, number], Cut>(
      `select ${cut} from entry where ${between} and position + length <= ? order by key desc limit 1`,
    ),
    slice: database.prepare<Range, Buffer>(`select substr(data, ?, ?) from segment where key = ${KEY}`).pluck(),
    highTime: database.prepare<Range, { last: number; high: number }>(
      `select ${OFFSET_OF('key')} as last, high_time as high from segment where ${between} order by key limit 1`,
    ),
    transactions: database.prepare<[number, number, number], { name: string; first: number }>(
      'select name, first from txn where client = ? and first > ? order by first limit ?',
    ),
    transaction: database.prepare<[number, string], { last: number; count: number }>(
      `select ${OFFSET_OF('max(key)')} as last, count(*) as count
       from entry where txn = (select no from txn where client = ? and name = ?)`,
    ),
    timed: database
      .prepare<[...Range, number], number>(
        `select ${OFFSET_OF('key')} from entry where ${between} and time >= ? order by key limit 1`,
      )
      .pluck(),
  };
}
