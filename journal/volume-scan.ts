/**
 * Finds the entries of one volume that a filter lets through, by index, a bounded stretch at a time.
 *
 * First a leap: per condition the next entry at which it holds at all, for any client (the indexes on type, transaction
 * and label end in the row's number, so that is one seek a value). Then a walk over at most `maxScan` of the client's
 * entries from there, segment by segment, inside SQLite.
 */
import type Database from 'better-sqlite3';
import type { EntryFilter, JournalEntry } from './entry.ts';
import { loadMessageId, type StoredMessageId } from './stored-message-id.ts';
import type { VolumeReader } from './volume-reader.ts';
import { KEY, OFFSET_SPACE } from './volume-schema.ts';

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
  readonly row: number;
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
  /** Index rows were looked at one by one, not only leapt over. */
  readonly walked: boolean;
}

interface Conditions {
  readonly sql: string;
  readonly values: readonly (string | number)[];
  /** Per indexed condition: the values of which at least one must hold. */
  readonly seeks: readonly { readonly column: 'type' | 'txn' | 'label'; readonly numbers: readonly number[] }[];
}

/**
 * The next entry, of whatever client, at which a condition holds; what the client has of its commit or later ones comes
 * not before the commit's start. A transaction is one client's, so there it is the entry itself.
 */
const LEAP = {
  type: 'select start from entry where type = ? and row >= ? order by row limit 1',
  txn: 'select offset from entry where txn = ? and row >= ? order by row limit 1',
  label: 'select start from entry where row = (select min(row) from entry_label where label = ? and row >= ?)',
} as const;

type MatchRow = [row: number, offset: number, segment: number, position: number, length: number];

export class VolumeScan {
  readonly #volume: VolumeReader;
  readonly #prepared = new Map<string, Database.Statement<(string | number)[], unknown>>();

  constructor(volume: VolumeReader) {
    this.#volume = volume;
  }

  scan(client: number, filter: EntryFilter, limits: ScanLimits): ScanResult {
    const { base } = this.#volume;
    const nothing: ScanResult = { matches: [], bytes: 0, scanned: Math.max(limits.until, limits.after), walked: false };
    const until = Math.min(limits.until - base, END);
    let from = Math.max(0, limits.after + 1 - base);
    if (from > until) return nothing;
    const conditions = this.#resolve(client, filter);
    if (conditions === undefined) return nothing;
    const leap = this.#leap(client, conditions, from, until);
    if (leap === undefined) return nothing;
    from = leap;
    const window = this.#window(client, from, until, limits.maxScan);
    const to = window ?? until;
    const lastSegment = this.#volume.segmentAt(client, to);

    const matches: Match[] = [];
    let bytes = 0;
    const cut = (): ScanResult => ({ matches, bytes, scanned: matches.at(-1)!.offset, walked: true });
    while (from <= to) {
      const limit = Math.min(ROWS, limits.maxCount - matches.length);
      const rows = this.#statement(
        `select e.row, e.offset, e.segment, e.position, e.length
         from segment s cross join entry e on e.row between s.row and s.row + s.count - 1
         where s.key between ${KEY} and ${KEY} and e.offset between ? and ? ${conditions.sql}
         order by s.key, e.row limit ?`,
      )
        .raw()
        .all(client, from, client, lastSegment, from, to, ...conditions.values, limit) as MatchRow[];
      for (const [row, offset, segment, position, length] of rows) {
        if (bytes > 0 && bytes + length > limits.maxBytes) return cut();
        matches.push({ row, offset: offset + base, segment, position, length });
        bytes += length;
      }
      if (matches.length >= limits.maxCount) return cut();
      if (rows.length < limit) break;
      from = rows.at(-1)![1] + 1;
    }
    return { matches, bytes, scanned: window === undefined ? nothing.scanned : to + base, walked: true };
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
       from entry join type on type.no = entry.type join txn on txn.no = entry.txn where row = ?`,
    ).raw();
    let segment = -1;
    let data: Buffer = Buffer.alloc(0);
    return matches.map((match) => {
      if (match.segment !== segment) data = this.#segment(client, match.segment);
      segment = match.segment;
      const [prev, time, message, type, transaction, confidence, labels] = statement.get(match.row) as [
        number,
        number,
        StoredMessageId,
        string,
        string,
        number | null,
        string | null,
      ];
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
          ? ' and exists (select 1 from entry_label where label in (select value from json_each(?)) and row = e.row)'
          : ` and +e.${column} in (select value from json_each(?))`;
    }
    if (filter.minConfidence !== undefined) {
      sql += ' and e.confidence >= ?';
      values.push(filter.minConfidence);
    }
    return { sql, values, seeks };
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
