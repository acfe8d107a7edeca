/** What the journaler is told at its start, and what it tells. */
import type { AppendedSegment } from '../../journal/appending.ts';
import type { LogSettings } from '../../protocol/log/settings.ts';
import type { TelemetryConfig } from '../../protocol/telemetry/config.ts';
import type { Assignment } from '../nodes/held-partitions.ts';

export interface JournalerOptions {
  readonly log: LogSettings;
  readonly telemetry: TelemetryConfig | undefined;
  /** Holds one folder for each partition. */
  readonly folder: string;
  readonly retentionMs: number | undefined;
  readonly retentionBytes: number | undefined;
  readonly volumeSpanMs: number;
  readonly check: boolean;
  /** Which partitions it journals (nodes/held-partitions.ts). */
  readonly partitions: string;
  readonly assignment: Assignment;
}

/** A journal that is open for writing, as it was when it was opened. */
export interface OpenedPartition {
  readonly partition: number;
  /** Offset of the next record that it takes in. */
  readonly position: number;
  /** Offset that the next record of the log would get. */
  readonly end: number;
  /** There was none that could be gone on with. */
  readonly isNew: boolean;
}

/** Entries of one client that have just been committed, as bytes within the message's `data`. */
export interface NewSegment extends Omit<AppendedSegment, 'data'> {
  /** Where its bytes lie in `data`. */
  readonly start: number;
  readonly length: number;
}

export type FromJournaler =
  /** The journals are open and what comes will be appended. */
  | {
      readonly kind: 'following';
      readonly epoch: string;
      /** Partitions of results-1, held here or not. */
      readonly total: number;
      readonly partitions: readonly number[];
      readonly opened: readonly OpenedPartition[];
    }
  | {
      readonly kind: 'appended';
      readonly partition: number;
      readonly segments: readonly NewSegment[];
      readonly data: ArrayBuffer;
      readonly duplicates: number;
    }
  | { readonly kind: 'poisoned'; readonly partition: number; readonly offset: number; readonly detail: string }
  | { readonly kind: 'moved-aside'; readonly partition: number; readonly to: string; readonly detail: string }
  /** A journal was begun anew, and the log no longer has what came before `earliest`. */
  | { readonly kind: 'incomplete'; readonly partition: number; readonly earliest: number }
  | { readonly kind: 'retired'; readonly partition: number; readonly volumes: number }
  /** Something that is being retried. */
  | { readonly kind: 'trouble'; readonly detail: string };
