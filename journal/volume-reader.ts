/** The read side of one volume: short statements over rows that never change. Offsets are absolute at its surface. */
import Database from 'better-sqlite3';
import { JournalDamagedError, JournalFormatError, journalError } from './errors.ts';
import { ANY_CLIENT, FORMAT, OFFSET_SPACE } from './volume-schema.ts';
import {
  type ClientRow,
  type EntryPlace,
  type Fence,
  prepareStatements,
  type SegmentRow,
} from './volume-statements.ts';

/** Segments larger than this are handed out one by one; smaller ones are joined by SQLite, at no cost in JavaScript. */
const JOIN_BELOW_BYTES = 16_384;
const BUSY_MS = 5_000;
/** A read is full enough from three quarters of what was asked for. */
const FULL = 0.75;
/** Looks for a better end of a read at most; whatever was found until then is right, only shorter. */
const MAX_PROBES = 12;
const END = OFFSET_SPACE - 1;

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
      // A query must never build an index of a whole table for itself: each call is to stay short.
      database.pragma('automatic_index = off');
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

  /** Of a client never seen, undefined, or what holds for all such where the journal does not know the log's beginning. */
  client(name: string): ClientRow | undefined {
    return this.#statements.client.get(name) ?? this.#statements.client.get(ANY_CLIENT);
  }

  /** The client's first entry past `after`. */
  firstAfter(client: number, after: number): EntryPlace | undefined {
    const from = this.#from(after);
    if (from === undefined) return undefined;
    const segment = this.#statements.segment.get(client, from, client, END);
    if (segment === undefined) return undefined;
    return this.#place(this.#statements.firstPlace.get(...rowsOf(segment), from));
  }

  /** The client's last entry at or before `offset`. */
  lastUntil(client: number, offset: number): EntryPlace | undefined {
    if (offset < this.base) return undefined;
    const { segment, segmentBefore, lastPlace } = this.#statements;
    const to = Math.min(offset - this.base, END);
    const around = segment.get(client, to, client, END);
    const holder = around !== undefined && around.first <= to ? around : segmentBefore.get(client, 0, client, to);
    return holder === undefined ? undefined : this.#place(lastPlace.get(...rowsOf(holder), to));
  }

  /** Offset, less base, of the last entry of the segment that holds `offset` (less base), or would: the greatest where none. */
  segmentAt(client: number, offset: number): number {
    return this.#statements.segment.get(client, offset, client, END)?.last ?? END;
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
    const fence = this.#fence(client, segment, to, maxBytes);
    const chunks =
      fence.last === segment.last || segment.bytes >= JOIN_BELOW_BYTES
        ? statements.pieces.all(client, segment.last, client, fence.last)
        : [statements.joined.get(client, segment.last, client, fence.last)!];
    return { chunks, count: fence.ordinal - segment.ordinal + segment.count, last: fence.last + this.base };
  }

  /** The first of the client's entries whose time is not before `time`; where they are all gone, the first one left. */
  firstAtTime(client: number, time: number): number | undefined {
    const { fence, highTime, timed, segment } = this.#statements;
    const last = fence.get(client, 0, client, END)?.last;
    if (last === undefined) return undefined;
    // The greatest time so far rises with the key, so the segment where it reaches `time` is found by halving.
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = highTime.get(client, middle, client, END)!;
      if (row.high >= time) high = middle;
      else low = row.last + 1;
    }
    const found = segment.get(client, low, client, END)!;
    return (timed.get(...rowsOf(found), time) ?? found.first) + this.base;
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
    const first = statements.cutFrom.get(...rowsOf(segment), from, to);
    if (first === undefined) return undefined;
    const last = statements.cutTo.get(...rowsOf(segment), from, to, first.position + maxBytes) ?? first;
    const data = statements.slice.get(first.position + 1, last.finish - first.position, client, segment.last)!;
    return { chunks: [data], count: last.ordinal - first.ordinal + 1, last: last.offset + this.base };
  }

  /**
   * The last segment up to which a read from `start` stays within `maxBytes`, or one not far before it. `finish` rises
   * with the key, so a few looks between the nearest known ones find it; no index on it has to be kept.
   */
  #fence(client: number, start: SegmentRow, to: number, maxBytes: number): Fence {
    const statements = this.#statements;
    const limit = start.finish - start.bytes + maxBytes;
    const next = statements.segment.get(client, start.last + 1, client, to);
    if (next === undefined || next.last > to || next.finish > limit) return start;
    let high = statements.fence.get(client, 0, client, to)!;
    if (high.finish <= limit) return high;
    let low: Fence = next;
    for (let i = 0; i < MAX_PROBES && limit - low.finish > (1 - FULL) * maxBytes; i++) {
      const share = (limit - low.finish) / (high.finish - low.finish);
      // Never at the ends themselves: each look must narrow the stretch.
      const guess = low.last + Math.max(1, Math.floor(share * (high.last - low.last - 1)));
      const probe = statements.fence.get(client, 0, client, guess)!;
      if (probe.finish > limit) high = probe;
      else if (probe.last > low.last) low = probe;
      else {
        const following = statements.segment.get(client, low.last + 1, client, to)!;
        if (following.finish > limit) break;
        low = following;
      }
    }
    return low;
  }

  /** Where a walk past `after` begins, less base; undefined where that lies past anything this volume can hold. */
  #from(after: number): number | undefined {
    const from = Math.max(0, after + 1 - this.base);
    return from > END ? undefined : from;
  }

  #place(place: EntryPlace | undefined): EntryPlace | undefined {
    return place === undefined ? undefined : { ...place, offset: place.offset + this.base };
  }
}

/** First and last number of a segment's entries. */
function rowsOf({ row, count }: SegmentRow): [number, number] {
  return [row, row + count - 1];
}
