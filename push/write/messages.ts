/** What push's journaler is told at its start, and what it tells. */
import type { LogSettings } from '../../protocol/log/settings.ts';
import type { TelemetryConfig } from '../../protocol/telemetry/config.ts';
import type { Endpoint } from '../endpoint.ts';

export interface JournalerOptions {
  readonly log: LogSettings;
  /** Absent: nothing is traced. */
  readonly telemetry: TelemetryConfig | undefined;
  /** Holds a folder for each epoch, and in it one for each partition. */
  readonly folder: string;
  /** File of the endpoint book. */
  readonly book: string;
  /** Empty: all. */
  readonly partitions: readonly number[];
  readonly allowLoopback: boolean;
  readonly retentionMs: number;
  readonly volumeSpanMs: number;
  /** How often neighbours are stored. */
  readonly groupMs: number;
}

export type FromJournaler =
  /** The journals are open and what comes will be appended. */
  | {
      readonly kind: 'following';
      readonly epoch: string;
      readonly partitions: readonly number[];
      /** How many results-1 has, pushed here or elsewhere. */
      readonly partitionCount: number;
      readonly endpoints: readonly Endpoint[];
    }
  /** An endpoint is new, or a newer token says something else about it. Told before what is appended for it. */
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint }
  | {
      readonly kind: 'appended';
      readonly partition: number;
      readonly messages: number;
      /** Keys of the endpoints that got something. */
      readonly endpoints: readonly string[];
      /** Records of the partition that are not consumed yet. */
      readonly lag: number;
    }
  | { readonly kind: 'skipped'; readonly why: 'refused' | 'unsound'; readonly client?: string; readonly detail: string }
  /** The log has retired records before they were taken in: those from `from` to before `earliest`. */
  | { readonly kind: 'gap'; readonly partition: number; readonly from: number; readonly earliest: number }
  | { readonly kind: 'moved-aside'; readonly partition: number; readonly to: string; readonly detail: string }
  /** Something that is being retried. */
  | { readonly kind: 'trouble'; readonly detail: string };
