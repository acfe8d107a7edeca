/** What came of one request to a webhook. */

export type Answer =
  /** 2xx: the receiver has it. */
  | { readonly kind: 'delivered' }
  | {
      readonly kind: 'failed';
      /** The status or what went wrong with the connection, in few words: '503', 'timeout', 'connection refused'. */
      readonly cause: string;
      /** Sent with 429 and 503, clamped. */
      readonly retryAfterMs?: number;
    }
  /** 410: the receiver wants nothing more. */
  | { readonly kind: 'gone' };
