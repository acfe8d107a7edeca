/** The frames of a stream other than messages: what the server says about the stream itself (docs/firehose.md). */

/** A granted pace, null where there is no limit. */
export interface GrantedRate {
  readonly messages: number | null;
  readonly bytes: number | null;
}

/** First frame of every stream. */
export interface Hello {
  readonly kind: 'hello';
  /** Names this connection. */
  readonly stream: string;
  readonly epoch: string;
  /** The stream holds what comes after this offset. */
  readonly offset: number;
  /** Set where the stream does not start where it was asked to, because that has been retired. */
  readonly gap?: { readonly asked: number; readonly earliest: number };
  /** The client's first entry that is held, null where there is none. */
  readonly earliest: number | null;
  /** The client's latest entry, -1 where it never had one. */
  readonly latest: number;
  readonly rate: GrantedRate;
  readonly heartbeat_ms: number;
}

/** The position has advanced, past what was sent or dropped by the filter; also the heartbeat. */
export interface Bookmark {
  readonly kind: 'bookmark';
  readonly offset: number;
  /** Messages dropped by the filter since the frame before. */
  readonly skipped: number;
  readonly latest: number;
  /** Messages of this client that lie past `offset`. */
  readonly lag: number;
  /** Nothing was left to send when this was written. */
  readonly live: boolean;
}

/** Everything that was there has been sent; what follows comes as it happens. Once per stream. */
export interface CaughtUp {
  readonly kind: 'caught_up';
  readonly offset: number;
}

export const GOODBYE_REASONS = {
  /** This node is going down. */
  draining: { terminal: false },
  token_expired: { terminal: false },
  /** The reader took nothing for too long. */
  slow: { terminal: false },
  /** The stream's lifetime or a limit of the node is used up. */
  limit: { terminal: false },
  /** Everything that was asked for has been sent. */
  until: { terminal: true },
  /** Messages past the position have been retired before they could be sent. */
  retired: { terminal: true },
  /** Another connection of the same named consumer has taken over. */
  taken_over: { terminal: true },
  /** An operator, or the client itself, closed the connection. */
  closed: { terminal: true },
  /** A control message was not understood. */
  bad_control: { terminal: true },
  error: { terminal: false },
} as const satisfies Readonly<Record<string, { readonly terminal: boolean }>>;
export type GoodbyeReason = keyof typeof GOODBYE_REASONS;

/** Last frame of every stream that ends as intended. */
export interface Goodbye {
  readonly kind: 'goodbye';
  readonly reason: GoodbyeReason;
  readonly detail?: string;
  /** true: connecting again in the same way would meet the same end. */
  readonly terminal: boolean;
  readonly epoch: string;
  /** Resume from here. */
  readonly offset: number;
  /** Wait for so long before connecting again. */
  readonly retry_after_ms: number;
}

export type ControlFrame = Hello | Bookmark | CaughtUp | Goodbye;
