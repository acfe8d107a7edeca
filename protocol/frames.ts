/**
 * The frames of a firehose stream in NDJSON (docs/firehose.md): messages, and what the server says about the stream itself. A reader
 * ignores kinds and members that it does not know.
 */

export interface Message {
  readonly kind: 'message';
  readonly offset: number;
  /** Offset of this client's message before this one, -1 for its first. */
  readonly prev: number;
  /** RFC 3339, when the event happened. */
  readonly time: string;
  /** Full name of the payload's protobuf type, such as `ocr.v1m0.TextLine`. */
  readonly type: string;
  readonly transaction: string;
  /** The message's id: the same on every node and in every webhook. */
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: the JSON of any event type, also of those that this release does not know
  readonly payload: any;
}

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
  /** Rolling hash over the client's messages up to `offset` (journal/chain-hash.ts), null where it is not known any more. */
  readonly hash: string | null;
  /** The named consumer whose connection this is. */
  readonly consumer?: string;
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
  /** Rolling hash over the client's messages up to `offset`, null where it is not known any more. */
  readonly hash: string | null;
  /** The pace, not the reader or the journal, is what holds messages back. */
  readonly throttled: boolean;
  readonly paused: boolean;
  /** How long the next unread message is held at the least; null where nothing is unread or nothing is ever retired. */
  readonly retention_expires_in_ms: number | null;
  /** How long the unread messages take at the granted pace; null without one. */
  readonly catch_up_ms: number | null;
}

/** Everything that was there has been sent; what follows comes as it happens. Once per stream. */
export interface CaughtUp {
  readonly kind: 'caught_up';
  readonly offset: number;
}

/** A control message has taken effect: messages past `offset` are sent under it. */
export interface ControlApplied {
  readonly kind: 'control';
  readonly applied: 'pause' | 'resume' | 'max_rate' | 'filter' | 'ack';
  readonly offset: number;
}

export const GOODBYE_REASONS = {
  /** This node is going down. */
  draining: { terminal: false },
  token_expired: { terminal: false },
  /** The stream has been open for its time: the reader may come to another node, such as one that is back. */
  lifetime: { terminal: false },
  /** The reader took nothing for too long. */
  slow: { terminal: false },
  /** A limit of the node or of the client was met, such as the number of connections or the cost of a filter. */
  limit: { terminal: true },
  /** Everything that was asked for has been sent. */
  until: { terminal: true },
  /** Messages past the position have been retired before they could be sent. Terminal unless on_gap says "earliest". */
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

export type ControlFrame = Hello | Bookmark | CaughtUp | ControlApplied | Goodbye;
export type Frame = Message | ControlFrame;
