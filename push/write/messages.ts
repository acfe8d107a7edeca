/** What the journaler's thread and the main thread say to each other. */
import type { Claims } from '../../protocol/claims/token.ts';
import type { LogSettings } from '../../protocol/log/settings.ts';
import type { Endpoint } from '../endpoint.ts';

export interface JournalerOptions {
  readonly log: LogSettings;
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
  /** What is in this token? Answered by `token`: keys never leave the main thread. */
  | { readonly kind: 'ask-token'; readonly question: number; readonly token: string }
  | { readonly kind: 'skipped'; readonly why: 'refused' | 'unsound'; readonly client?: string; readonly detail: string }
  | { readonly kind: 'moved-aside'; readonly partition: number; readonly to: string; readonly detail: string }
  /** Something that is being retried. */
  | { readonly kind: 'trouble'; readonly detail: string };

export type ToJournaler =
  | { readonly kind: 'token'; readonly question: number; readonly answer: TokenAnswer }
  | { readonly kind: 'stop' };

export type TokenAnswer =
  | { readonly claims: Claims }
  /** Not a token of ours. */
  | { readonly refused: { readonly code: string; readonly message: string } }
  /** It could not be found out now. */
  | { readonly failed: string };
