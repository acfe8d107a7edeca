/** What can be asked of a journal, and what it answers. */
import type { EntryFilter, JournalEntry } from './entry.ts';

/** Frames of one client, in order, exactly as the default HTTP format sends them. */
export interface Range {
  readonly kind: 'range';
  /** Memory of the caller's own: nobody else looks at it. */
  readonly chunks: readonly Buffer[];
  readonly bytes: number;
  readonly count: number;
  /** Offset of the last entry in `chunks`: read on past it. The `after` of the request where there is none. */
  readonly last: number;
  /** Nothing of the client's lies past `last`, up to its head or `until`, as of this call. */
  readonly end: boolean;
}

export interface Selection extends Range {
  /** Everything up to here has been looked at: read on past it, and tell the client so. */
  readonly scanned: number;
  /** Entries between `after` and `scanned` that the filter dropped. */
  readonly skipped: number;
}

export interface Entries extends Omit<Selection, 'chunks' | 'kind'> {
  readonly kind: 'entries';
  readonly entries: readonly JournalEntry[];
}

/** Entries past `after` existed and are gone. */
export interface Retired {
  readonly kind: 'retired';
  /** The client's first entry that is still held, or would be: start again with `after: earliest - 1`. */
  readonly earliest: number;
}

export interface ReadRequest {
  readonly client: string;
  /** Offset of the last entry that is known; -1 for the beginning. */
  readonly after: number;
  /** Last offset wanted. Default: the client's head. */
  readonly until?: number;
  /** Soft limit: one frame that alone is larger comes alone. Default 256 KiB. */
  readonly maxBytes?: number;
}

export interface SelectRequest extends ReadRequest {
  readonly filter: EntryFilter;
  /** Most index rows to look at in this call. Default 10,000. */
  readonly maxScan?: number;
}

export interface EntriesRequest extends ReadRequest {
  readonly filter?: EntryFilter;
  readonly maxScan?: number;
  /** Most entries. Default 1,000. */
  readonly maxCount?: number;
}

export interface Bounds {
  readonly epoch: string;
  /** No offset below this is held. */
  readonly earliest: number;
  /** Offset of the next record that the writer will consume. */
  readonly position: number;
}
