/**
 * Finds the entries of one volume that a filter lets through, by index, a bounded stretch at a time.
 *
 * First a leap: per condition the next entry at which it holds at all, for any client (the indexes on type, transaction
 * and label end in the row's number, so that is one seek a value). Then a walk over at most `maxScan` of the client's
 * entries from there, segment by segment, inside SQLite, which also cuts the frames out and joins them.
 */
import type Database from 'better-sqlite3';
import type { EntryFilter, JournalEntry } from './entry.ts';
import { type Conditions, conditionsOf, type IndexedColumn } from './scan-conditions.ts';
import { loadMessageId, type StoredMessageId } from './stored-message-id.ts';
import type { VolumeReader } from './volume-reader.ts';
import { KEY, OFFSET_SPACE } from './volume-schema.ts';

/** Matches fetched by one statement: bounds what is thrown away when maxBytes is reached early. */
const ROWS = 512;
/** Names kept; beyond that the cache starts anew (it only saves look-ups). */
const MAX_NAMES = 10_000;
const END = OFFSET_SPACE - 1;

/**
 * The next entry, of whatever client, at which a condition holds; what the client has of its commit or later ones comes
 * not before the commit's start. A transaction is one client's, so there it is the entry itself.
 */
const LEAP: Readonly<Record<IndexedColumn, string>> = {
  type: 'select start from entry where type = ? and row >= ? order by row limit 1',
  txn: 'select offset from entry where txn = ? and row >= ? order by row limit 1',
  label: 'select start from entry where row = (select min(row) from entry_label where label = ? and row >= ?)',
};

const DETAILS = 'e.offset, e.length, e.prev, e.time, e.type, e.txn, e.message, e.confidence, e.labels';

export interface ScanLimits {
  readonly after: number;
  /** Last offset to look at: not past the volume's own last. */
  readonly until: number;
  readonly maxBytes: number;
  readonly maxScan: number;
  readonly maxCount: number;
}

export interface ScanResult {
  readonly count: number;
  /** Offset of the last match; meaningless where there is none. */
  readonly last: number;
  /** The matches' frames, joined. */
  readonly data: Buffer;
  /** What is known of each match; empty unless asked for. */
  readonly entries: readonly JournalEntry[];
  /** Everything up to this offset has been looked at. */
  readonly scanned: number;
  /** Entries were looked at one by one, not only leapt over. */
  readonly walked: boolean;
}

type Row = readonly [offset: number, length: number, ...details: unknown[]];
type Details = [
  offset: number,
  length: number,
  prev: number,
  time: number,
  type: number,
  txn: number,
  message: StoredMessageId,
  confidence: number | null,
  labels: string | null,
];

export class VolumeScan {
  readonly #volume: VolumeReader;
  readonly #prepared = new Map<string, Database.Statement<(string | number)[], unknown>>();
  readonly #names = new Map<string, string>();

  constructor(volume: VolumeReader) {
    this.#volume = volume;
  }

  /** @param details whether `entries` is wanted too */
  scan(client: number, filter: EntryFilter, limits: ScanLimits, details: boolean): ScanResult {
    const { base } = this.#volume;
    const nothing = { count: 0, last: -1, data: Buffer.alloc(0), entries: [], walked: false };
    const all = Math.max(limits.until, limits.after);
    const until = Math.min(limits.until - base, END);
    const from = Math.max(0, limits.after + 1 - base);
    const conditions = from > until ? undefined : this.#conditions(client, filter);
    const start = conditions === undefined ? undefined : this.#leap(client, conditions, from, until);
    if (conditions === undefined || start === undefined) return { ...nothing, scanned: all };

    const window = this.#window(client, start, until, limits.maxScan);
    const scanned = window === undefined ? all : window + base;
    const { rows, isCut } = this.#list(client, conditions, start, window ?? until, limits, details);
    const first = rows[0];
    const last = rows.at(-1);
    if (first === undefined || last === undefined) return { ...nothing, scanned, walked: true };
    const data = this.#walk(
      `select cast(group_concat(frame, '') as blob) from
         (select substr(s.data, e.position + 1, e.length) as frame`,
      conditions,
      ')',
    )
      .pluck()
      .get(...this.#span(client, first[0], last[0], conditions)) as Buffer;
    return {
      count: rows.length,
      last: last[0] + base,
      data,
      entries: details ? this.#entries(rows as readonly Details[], data) : [],
      scanned: isCut ? last[0] + base : scanned,
      walked: true,
    };
  }

  /** The matches from `start` to `to`, as many as the limits allow. */
  #list(
    client: number,
    conditions: Conditions,
    start: number,
    to: number,
    limits: ScanLimits,
    details: boolean,
  ): { rows: readonly Row[]; isCut: boolean } {
    const statement = this.#walk(`select ${details ? DETAILS : 'e.offset, e.length'}`, conditions, 'limit ?').raw();
    const rows: Row[] = [];
    let bytes = 0;
    for (let from = start; from <= to; from = rows.at(-1)![0] + 1) {
      const limit = Math.min(ROWS, limits.maxCount - rows.length);
      const found = statement.all(...this.#span(client, from, to, conditions), limit) as Row[];
      for (const row of found) {
        if (bytes > 0 && bytes + row[1] > limits.maxBytes) return { rows, isCut: true };
        bytes += row[1];
        rows.push(row);
      }
      if (rows.length >= limits.maxCount) return { rows, isCut: true };
      if (found.length < limit) break;
    }
    return { rows, isCut: false };
  }

  /** A statement over the client's entries within `#span` for which the conditions hold, in order. */
  #walk(select: string, conditions: Conditions, end: string): Database.Statement<(string | number)[], unknown> {
    return this.#statement(
      `${select} from segment s cross join entry e on e.row between s.row and s.row + s.count - 1
       where s.key between ${KEY} and ${KEY} and e.offset between ? and ? ${conditions.sql} order by s.key, e.row ${end}`,
    );
  }

  #span(client: number, from: number, to: number, conditions: Conditions): (string | number)[] {
    return [client, from, client, this.#volume.segmentAt(client, to), from, to, ...conditions.values];
  }

  #conditions(client: number, filter: EntryFilter): Conditions | undefined {
    return conditionsOf(filter, (column, name) =>
      column === 'txn'
        ? this.#pluck<number>('select no from txn where client = ? and name = ?', [client, name])
        : this.#pluck<number>(`select no from ${column} where name = ?`, [name]),
    );
  }

  /** The first offset, less base, at which every indexed condition may hold again: never past one at which all do. */
  #leap(client: number, conditions: Conditions, from: number, to: number): number | undefined {
    const first = this.#volume.firstAfter(client, from - 1 + this.#volume.base);
    if (first === undefined) return undefined;
    let furthest = first.offset - this.#volume.base;
    for (const { column, numbers } of conditions.seeks) {
      let nearest = Number.POSITIVE_INFINITY;
      for (const no of numbers) {
        nearest = Math.min(nearest, this.#pluck<number>(LEAP[column], [no, first.row]) ?? nearest);
      }
      furthest = Math.max(furthest, nearest);
    }
    return furthest <= to ? furthest : undefined;
  }

  /** Offset, less base, of the last of `maxScan` entries; undefined where there are not as many. */
  #window(client: number, from: number, until: number, maxScan: number): number | undefined {
    const first = this.#volume.firstAfter(client, from - 1 + this.#volume.base);
    if (first === undefined) return undefined;
    const ordinal = first.ordinal + maxScan - 1;
    const offset = this.#pluck<number>(
      `select offset from entry where row =
         (select row + ? - ordinal + count - 1 from segment
          where key between ${KEY} and ${KEY} and ordinal >= ? order by key limit 1)`,
      [ordinal, client, from, client, this.#volume.segmentAt(client, until), ordinal],
    );
    return offset === undefined || offset > until ? undefined : offset;
  }

  #entries(rows: readonly Details[], data: Buffer): JournalEntry[] {
    let position = 0;
    return rows.map(([offset, length, prev, time, type, txn, message, confidence, labels]) => {
      const frame = data.subarray(position, position + length);
      position += length;
      return {
        offset: offset + this.#volume.base,
        prev,
        time,
        messageId: loadMessageId(message),
        type: this.#name('type', type),
        transaction: this.#name('txn', txn),
        labels: labels === null ? [] : labels.split(',').map((no) => this.#name('label', Number(no))),
        confidence,
        frame,
      };
    });
  }

  #name(table: IndexedColumn, no: number): string {
    const key = `${table} ${no}`;
    let name = this.#names.get(key);
    if (name === undefined) {
      name = this.#pluck<string>(`select name from ${table} where no = ?`, [no])!;
      if (this.#names.size >= MAX_NAMES) this.#names.clear();
      this.#names.set(key, name);
    }
    return name;
  }

  #pluck<Value>(sql: string, values: (string | number)[]): Value | undefined {
    return this.#statement(sql)
      .pluck()
      .get(...values) as Value | undefined;
  }

  #statement(sql: string): Database.Statement<(string | number)[], unknown> {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#volume.database.prepare<(string | number)[], unknown>(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }
}
