/** What a client may ask of a stream (docs/firehose.md), once it has been understood. */
import type { Expression } from '../filter/expression.ts';

export type From =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  /** After the last entry that the client processed. */
  | { readonly kind: 'offset'; readonly epoch: string | undefined; readonly offset: number }
  /** The first entry at or after this moment, ms since the epoch. */
  | { readonly kind: 'time'; readonly time: number }
  | { readonly kind: 'consumer'; readonly name: string };

export type Until =
  /** Last offset wanted. */
  | { readonly kind: 'offset'; readonly epoch: string | undefined; readonly offset: number }
  /** Entries before the first one that is not earlier than this moment are wanted, ms since the epoch. */
  | { readonly kind: 'time'; readonly time: number };

export interface Filter {
  readonly types: readonly string[] | undefined;
  readonly transactions: readonly string[] | undefined;
  readonly labels: readonly string[] | undefined;
  readonly minConfidence: number | undefined;
  /** A CEL expression over the message. */
  readonly expression: Expression | undefined;
}

export interface Rate {
  /** Messages per second. */
  readonly messages: number | undefined;
  /** Bytes of message frames per second. */
  readonly bytes: number | undefined;
}

export interface StreamRequest {
  readonly from: From;
  readonly until: Until | undefined;
  /** Whether to wait for what is not there yet. */
  readonly follow: boolean;
  readonly filter: Filter;
  readonly maxRate: Rate;
  readonly batch: { readonly messages: number | undefined; readonly waitMs: number | undefined };
  /** Only transactions that fall to this part of so many. */
  readonly shard: { readonly index: number; readonly count: number } | undefined;
  readonly heartbeatMs: number | undefined;
  /** What to do where the position has been retired. */
  readonly onGap: 'fail' | 'earliest';
}
