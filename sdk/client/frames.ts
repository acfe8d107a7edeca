/** The frames of a firehose stream in NDJSON (docs/firehose.md). */

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

export interface Hello {
  readonly kind: 'hello';
  readonly stream: string;
  readonly epoch: string;
  /** The stream holds what comes after this offset. */
  readonly offset: number;
  readonly gap?: { readonly asked: number; readonly earliest: number };
  readonly earliest: number | null;
  readonly latest: number;
  readonly rate: { readonly messages: number | null; readonly bytes: number | null };
  readonly heartbeat_ms: number;
}

export interface Bookmark {
  readonly kind: 'bookmark';
  readonly offset: number;
  readonly skipped: number;
  readonly latest: number;
  readonly lag: number;
  readonly live: boolean;
}

export interface CaughtUp {
  readonly kind: 'caught_up';
  readonly offset: number;
}

export interface Goodbye {
  readonly kind: 'goodbye';
  readonly reason: string;
  readonly detail?: string;
  readonly terminal: boolean;
  readonly epoch: string;
  readonly offset: number;
  readonly retry_after_ms: number;
}

export type Frame = Message | Hello | Bookmark | CaughtUp | Goodbye;
