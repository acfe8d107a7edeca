/** What goes into a journal at a time, what comes of it, and what a batch must be like. */
import type { NewEntry } from './entry.ts';
import { BatchOrderError, EpochMismatchError } from './errors.ts';
import type { SegmentDraft } from './segment-draft.ts';

export interface AppendBatch {
  /** Ascending by offset, all below `position`. May be empty: then only the position moves. */
  readonly entries: readonly NewEntry[];
  /** Offset of the next record to consume from the source partition. */
  readonly position: number;
  readonly epoch: string;
  /** ms: arrival time; volumes are rolled by it. */
  readonly now: number;
}

/** What one client got: the bytes that its live readers need now. */
export interface AppendedSegment {
  readonly client: string;
  /** Offsets of its first and last entry. */
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** Offset of the client's entry before `first`, -1 where there is none. */
  readonly prev: number;
  readonly data: Buffer;
}

export interface AppendResult {
  readonly appended: number;
  /** Dropped because an entry with the same message id is held. */
  readonly duplicates: number;
  /** Dropped because they lie below the position: this batch, or part of it, was appended before. */
  readonly replayed: number;
  /** The position as it now is on the disk. */
  readonly position: number;
  readonly segments: readonly AppendedSegment[];
  readonly rolled: boolean;
  /** Bytes in the WAL after the call that are still to be moved into the database, at most. */
  readonly walBytes: number;
}

export interface Maintenance {
  readonly rolled: boolean;
  /** Base offsets of the volumes that were removed. */
  readonly retired: readonly number[];
}

export function appendedSegment({ head, first, entries, data }: SegmentDraft): AppendedSegment {
  return { client: head.name, first, last: head.head, count: entries.length, prev: entries[0]!.prev, data };
}

/** @throws {EpochMismatchError | BatchOrderError} */
export function checkBatch(folder: string, epoch: string, batch: AppendBatch): void {
  if (batch.epoch !== epoch) throw new EpochMismatchError(folder, batch.epoch, epoch);
  let previous = -1;
  for (const { offset } of batch.entries) {
    if (!Number.isSafeInteger(offset) || offset <= previous) {
      throw new BatchOrderError(`offset ${offset} does not follow ${previous}`);
    }
    previous = offset;
  }
  if (!Number.isSafeInteger(batch.position) || batch.position <= previous) {
    throw new BatchOrderError(`position ${batch.position} does not lie past offset ${previous}`);
  }
}
