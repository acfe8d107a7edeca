/**
 * The read side of a journal folder: any number of readers, in any thread or process, beside one writer.
 *
 * Every call is a few short statements and returns what it found: a reader holds no cursor and no snapshot between calls,
 * only the position that its caller keeps. What a caller was told once never changes, except by retirement.
 */
import { CHAIN_START } from './chain-hash.ts';
import { ClientHistory } from './client-history.ts';
import type { EntryFilter, JournalEntry } from './entry.ts';
import { JournalUnavailableError, journalError } from './errors.ts';
import type {
  Bounds,
  Entries,
  EntriesRequest,
  Range,
  ReadRequest,
  Retired,
  Selection,
  SelectRequest,
} from './reading.ts';
import { listTransactions, type TransactionSummary } from './transaction-list.ts';
import type { ScanResult } from './volume-scan.ts';
import { VolumeSet } from './volume-set.ts';

const MAX_BYTES = 256 * 1024;
const MAX_SCAN = 10_000;
const MAX_COUNT = 1_000;
const NO_FILTER: EntryFilter = {};
const NO_BYTES: Buffer = Buffer.alloc(0);

/**
 * Opens a journal folder for reading.
 *
 * @throws {JournalMissingError} there is none yet
 * @throws {JournalUnavailableError | JournalDamagedError | JournalFormatError} as may every method
 */
export function openJournalReader(folder: string): JournalReader {
  return new JournalReader(folder);
}

export class JournalReader {
  readonly #folder: string;
  readonly #volumes: VolumeSet;

  /** Use openJournalReader. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#volumes = new VolumeSet(folder);
  }

  bounds(): Bounds {
    return this.#run(() => {
      this.#volumes.refresh();
      return { epoch: this.#volumes.epoch, earliest: this.#volumes.floor, position: this.#volumes.position };
    });
  }

  /** Offset of the client's latest entry, held or retired; -1 where it never had one. */
  head(client: string): number {
    return this.#run(() => this.#history(client)?.row.head ?? -1);
  }

  /** Offset of the client's first entry that is still held; null where none is. */
  earliest(client: string): number | null {
    return this.#run(() => this.#history(client)?.firstAfter(-1)?.offset ?? null);
  }

  /** The next frames past a position, in large pieces and without looking at any one of them. */
  read(request: ReadRequest): Range | Retired {
    return this.#run(() => {
      const { after, maxBytes = MAX_BYTES } = request;
      const history = this.#history(request.client);
      if (history === undefined) return empty(after);
      const retired = history.retired(after);
      if (retired !== undefined) return retired;
      const { row } = history;
      const until = Math.min(request.until ?? row.head, row.head);
      if (after >= until) return empty(after);
      for (const { reader } of this.#volumes.from(after + 1)) {
        const range = reader.range(row.no, after, until, maxBytes);
        if (range === undefined) continue;
        const { chunks, count, last } = range;
        return { kind: 'range', chunks, bytes: size(chunks), count, last, end: history.isEnd(last, until) };
      }
      return empty(after);
    });
  }

  /** The next frames past a position that a filter lets through. */
  select(request: SelectRequest): Selection | Retired {
    return this.#run(() => {
      const found = this.#scan(request, Number.POSITIVE_INFINITY, false);
      if ('kind' in found) return found;
      const { data, entries: _, ...rest } = found;
      return { kind: 'range', chunks: data.length === 0 ? [] : [data], ...rest };
    });
  }

  /** The next entries past a position with all that is known of each: for formats that must look at every one. */
  entries(request: EntriesRequest): Entries | Retired {
    return this.#run(() => {
      const all = { filter: NO_FILTER, ...request };
      const found = this.#scan(all, request.maxCount ?? MAX_COUNT, true);
      if ('kind' in found) return found;
      const { data: _, ...rest } = found;
      return { kind: 'entries', ...rest };
    });
  }

  /** How many of the client's entries past `after` are held: its lag, exactly. */
  count(client: string, after: number): number {
    return this.#run(() => this.#history(client)?.countAfter(after) ?? 0);
  }

  /**
   * Offset of the client's first held entry whose time is not before `time` (ms); null where all are earlier. Times need
   * not rise: entries after that one may be earlier again.
   */
  offsetAtTime(client: string, time: number): number | null {
    return this.#run(() => {
      this.#volumes.refresh();
      for (const { reader } of this.#volumes.from(0)) {
        const row = reader.client(client);
        if (row === undefined || row.time < time) continue;
        const offset = reader.firstAtTime(row.no, time);
        if (offset !== undefined) return offset;
      }
      return null;
    });
  }

  /**
   * The rolling hash (chain-hash.ts, in hexadecimal) over the client's entries up to and including `offset`, which need
   * not be an entry's; null where that entry has been retired.
   */
  hashAt(client: string, offset: number): string | null {
    return this.#run(() => {
      const history = this.#history(client);
      if (history === undefined) return CHAIN_START.toString('hex');
      const { row } = history;
      const place = offset >= row.head ? row : history.lastUntil(offset);
      if (place !== undefined) return place.chain.toString('hex');
      return history.firstAfter(-1)?.ordinal === 1 ? CHAIN_START.toString('hex') : null;
    });
  }

  /** The held entries of one of the client's transactions, in order. Page with `after`. */
  transaction(client: string, id: string, page: { after?: number; limit?: number } = {}): JournalEntry[] {
    const limit = page.limit ?? MAX_COUNT;
    const entries: JournalEntry[] = [];
    let after = page.after ?? -1;
    while (entries.length < limit) {
      const found = this.entries({ client, after, filter: { transactions: [id] }, maxCount: limit - entries.length });
      if (found.kind === 'retired') after = found.earliest - 1;
      else {
        entries.push(...found.entries);
        after = found.scanned;
        if (found.end) break;
      }
    }
    return entries;
  }

  /** The client's transactions of which entries are held, by the offset of the first one held. Page with `after`. */
  transactions(client: string, page: { after?: number; limit?: number } = {}): TransactionSummary[] {
    return this.#run(() => {
      const history = this.#history(client);
      if (history === undefined) return [];
      return listTransactions(this.#volumes, history.row.no, page.after ?? -1, page.limit ?? 100);
    });
  }

  close(): void {
    this.#volumes.close();
  }

  #history(client: string): ClientHistory | undefined {
    const row = this.#volumes.refresh().reader.client(client);
    return row === undefined ? undefined : new ClientHistory(this.#volumes, row);
  }

  #scan(
    request: SelectRequest,
    maxCount: number,
    details: boolean,
  ): (Omit<Selection, 'kind' | 'chunks'> & Pick<ScanResult, 'data' | 'entries'>) | Retired {
    const { after, filter, maxBytes = MAX_BYTES, maxScan = MAX_SCAN } = request;
    const nothing = { data: NO_BYTES, entries: [], bytes: 0, count: 0, last: after };
    const nowhere = { ...nothing, end: true, scanned: after, skipped: 0 };
    const history = this.#history(request.client);
    if (history === undefined) return nowhere;
    const retired = history.retired(after);
    if (retired !== undefined) return retired;
    const { row } = history;
    const until = Math.min(request.until ?? row.head, row.head);
    if (after >= until) return nowhere;
    let scanned = after;
    let found: Omit<ScanResult, 'scanned' | 'walked'> = nothing;
    for (const { base, scan } of this.#volumes.from(after + 1)) {
      const to = Math.min(until, this.#volumes.lastOffset(base));
      const result = scan.scan(row.no, filter, { after: scanned, until: to, maxBytes, maxScan, maxCount }, details);
      scanned = result.scanned;
      if (result.count > 0) found = result;
      // One walk a call keeps calls short; volumes without any match are leapt over at a few seeks each.
      if (result.walked || to >= until) break;
    }
    const { data, entries, count, last } = found;
    return {
      data,
      entries,
      bytes: data.length,
      count,
      last,
      end: history.isEnd(scanned, until),
      scanned,
      skipped: history.countAfter(after) - history.countAfter(scanned) - count,
    };
  }

  /** A volume that is retired between a look at the list and its opening is looked for once more, in the new list. */
  #run<Result>(work: () => Result): Result {
    for (let attempt = 1; ; attempt++) {
      try {
        return work();
      } catch (error) {
        const typed = journalError(error, this.#folder);
        if (!(typed instanceof JournalUnavailableError) || attempt === 2) throw typed;
      }
    }
  }
}

function empty(after: number): Range {
  return { kind: 'range', chunks: [], bytes: 0, count: 0, last: after, end: true };
}

function size(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}
