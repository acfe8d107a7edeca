/**
 * Finds the entries of one volume that a filter lets through, by index, a bounded stretch at a time.
 *
 * First a leap: per condition the next key at which it holds at all (the indexes on type and transaction end in the row's
 * key, so that is one seek a value). Then a walk over at most `maxScan` index rows from there, inside SQLite.
 */
import type Database from 'better-sqlite3';
import type { EntryFilter, JournalEntry } from './entry.ts';
import { loadMessageId, type StoredMessageId } from './stored-message-id.ts';
import type { VolumeReader } from './volume-reader.ts';
import { KEY, OFFSET_OF, OFFSET_SPACE } from './volume-schema.ts';

/** Matches fetched by one statement: bounds what is thrown away when maxBytes is reached early. */
const ROWS = 512;
/** Runs of frames shorter than this on average are copied into one chunk: few writes to the socket beat few copies. */
const MERGE_BELOW_BYTES = 16_384;
const END = OFFSET_SPACE - 1;

export interface ScanLimits {
  readonly after: number;
  /** Last offset to look at: not past the volume's own last. */
  readonly until: number;
  readonly maxBytes: number;
  readonly maxScan: number;
  readonly maxCount: number;
}

export interface Match {
  readonly offset: number;
  readonly segment: number;
  readonly position: number;
  readonly length: number;
}

export interface ScanResult {
  readonly matches: Match[];
  readonly bytes: number;
  /** Everything up to this offset has been looked at. */
  readonly scanned: number;
}

interface Conditions {
  readonly sql: string;
  readonly values: readonly (string | number)[];
  /** Per indexed condition: the values of which at least one must hold. */
  readonly seeks: readonly { readonly column: 'type' | 'txn' | 'label'; readonly numbers: readonly number[] }[];
}

type MatchRow = [offset: number, segment: number, position: number, length: number];

export class VolumeScan {
  readonly #volume: VolumeReader;
  readonly #prepared = new Map<string, Database.Statement<(string | number)[], unknown>>();

  constructor(volume: VolumeReader) {
    this.#volume = volume;
  }

  scan(client: number, filter: EntryFilter, limits: ScanLimits): ScanResult {
    const { base } = this.#volume;
    const nothing: ScanResult = { matches: [], bytes: 0, scanned: Math.max(limits.until, limits.after) };
    const until = Math.min(limits.until - base, END);
    let from = Math.max(0, limits.after + 1 - base);
    if (from > until) return nothing;
    const conditions = this.#resolve(client, filter);
    if (conditions === undefined) return nothing;
    const leap = this.#leap(client, conditions, from, until);
    if (leap === undefined) return nothing;
    from = leap;
    const window = this.#pluck<number>(
      `select ${OFFSET_OF('key')} from entry where key between ${KEY} and ${KEY} order by key limit 1 offset ?`,
      [client, from, client, until, limits.maxScan - 1],
    );
    const to = window ?? until;

    const matches: Match[] = [];
    let bytes = 0;
    while (from <= to) {
      const limit = Math.min(ROWS, limits.maxCount - matches.length);
      const rows = this.#statement(
        `select ${OFFSET_OF('key')}, segment, position, length from entry e
         where key between ${KEY} and ${KEY} ${conditions.sql} order by key limit ?`,
      )
        .raw()
        .all(client, from, client, to, ...conditions.values, limit) as MatchRow[];
      for (const [offset, segment, position, length] of rows) {
        if (bytes > 0 && bytes + length > limits.maxBytes) return { matches, bytes, scanned: matches.at(-1)!.offset };
        matches.push({ offset: offset + base, segment, position, length });
        bytes += length;
      }
      if (matches.length >= limits.maxCount) return { matches, bytes, scanned: matches.at(-1)!.offset };
      if (rows.length < limit) break;
      from = rows.at(-1)![0] + 1;
    }
    return { matches, bytes, scanned: window === undefined ? nothing.scanned : to + base };
  }

  /** The frames of matches, neighbours joined. */
  chunks(client: number, matches: readonly Match[]): Buffer[] {
    const runs: Buffer[] = [];
    let bytes = 0;
    for (let i = 0; i < matches.length; ) {
      const first = matches[i]!;
      const data = this.#segment(client, first.segment);
      for (; i < matches.length && matches[i]!.segment === first.segment; ) {
        const start = matches[i]!.position;
        let finish = start;
        for (; i < matches.length && matches[i]!.segment === first.segment && matches[i]!.position === finish; i++) {
          finish += matches[i]!.length;
        }
        runs.push(data.subarray(start, finish));
        bytes += finish - start;
      }
    }
    return runs.length > 1 && bytes / runs.length < MERGE_BELOW_BYTES ? [Buffer.concat(runs, bytes)] : runs;
  }

  /** Matches with all that is known of them. */
  entries(client: number, matches: readonly Match[]): JournalEntry[] {
    const statement = this.#statement(
      `select prev, time, message, type.name, txn.name, confidence, labels
       from entry join type on type.no = entry.type join txn on txn.no = entry.txn where key = ${KEY}`,
    ).raw();
    let segment = -1;
    let data: Buffer = Buffer.alloc(0);
    return matches.map((match) => {
      if (match.segment !== segment) data = this.#segment(client, match.segment);
      segment = match.segment;
      const [prev, time, message, type, transaction, confidence, labels] = statement.get(
        client,
        match.offset - this.#volume.base,
      ) as [number, number, StoredMessageId, string, string, number | null, string | null];
      return {
        offset: match.offset,
        prev,
        time,
        messageId: loadMessageId(message),
        type,
        transaction,
        labels: labels === null ? [] : labels.split(',').map((no) => this.#labelName(Number(no))),
        confidence,
        frame: data.subarray(match.position, match.position + match.length),
      };
    });
  }

  /** The conditions in this volume's own numbers; undefined where one names only what the volume has never seen. */
  #resolve(client: number, filter: EntryFilter): Conditions | undefined {
    const seeks: { column: 'type' | 'txn' | 'label'; numbers: number[] }[] = [];
    const values: (string | number)[] = [];
    let sql = '';
    const lists = [
      { column: 'type', names: filter.types, find: 'select no from type where name = ?', key: [] },
      {
        column: 'txn',
        names: filter.transactions,
        find: 'select no from txn where client = ? and name = ?',
        key: [client],
      },
      { column: 'label', names: filter.labels, find: 'select no from label where name = ?', key: [] },
    ] as const;
    for (const { column, names, find, key } of lists) {
      if (names === undefined) continue;
      const numbers = [...new Set(names)].flatMap((name) => this.#pluck<number>(find, [...key, name]) ?? []);
      if (numbers.length === 0) return undefined;
      seeks.push({ column, numbers });
      values.push(JSON.stringify(numbers));
      // The plus keeps SQLite from walking the index on type or transaction: the leap has done that part.
      sql +=
        column === 'label'
          ? ' and exists (select 1 from entry_label where label in (select value from json_each(?)) and entry = e.key)'
          : ` and +${column} in (select value from json_each(?))`;
    }
    if (filter.minConfidence !== undefined) {
      sql += ' and confidence >= ?';
      values.push(filter.minConfidence);
    }
    return { sql, values, seeks };
  }

  /** The first offset, less base, at which every indexed condition may hold again. */
  #leap(client: number, conditions: Conditions, from: number, to: number): number | undefined {
    let furthest = from;
    for (const { column, numbers } of conditions.seeks) {
      const sql =
        column === 'label'
          ? `select ${OFFSET_OF('min(entry)')} from entry_label where label = ? and entry between ${KEY} and ${KEY}`
          : `select ${OFFSET_OF('min(key)')} from entry where ${column} = ? and key between ${KEY} and ${KEY}`;
      let nearest: number | undefined;
      for (const no of numbers) {
        const next = this.#pluck<number | null>(sql, [no, client, from, client, to]);
        if (typeof next === 'number' && (nearest === undefined || next < nearest)) nearest = next;
      }
      if (nearest === undefined) return undefined;
      furthest = Math.max(furthest, nearest);
    }
    return furthest;
  }

  #segment(client: number, segment: number): Buffer {
    return this.#pluck<Buffer>(`select data from segment where key = ${KEY}`, [client, segment])!;
  }

  #labelName(no: number): string {
    return this.#pluck<string>('select name from label where no = ?', [no])!;
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
