/** What all streams of a node share. */
import type { Logger } from 'pino';
import type { GoodbyeReason } from '../../protocol/frames.ts';
import type { EndingSurroundings } from './ending.ts';
import type { LiveTail } from './live-tail.ts';
import type { Scheduler } from './scheduler.ts';
import type { Stream } from './stream.ts';

/** Where a client's journal stands, seen from an offset. */
export interface Standing {
  readonly latest: number;
  /** Messages past the offset. */
  readonly lag: number;
  /** Rolling hash over the messages up to the offset, null where it is not known any more. */
  readonly hash: string | null;
  /** How long the next message past the offset is held at the least; null where there is none or it is held for ever. */
  readonly retentionExpiresInMs: number | null;
}

export interface StreamSurroundings extends EndingSurroundings {
  readonly tail: LiveTail;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  /** Bytes read from a journal at a time. */
  readonly chunkBytes: number;
  /** A peer that takes nothing for so long is disconnected. */
  readonly stuckMs: number;
  standing(client: string, after: number): Standing;
  /** Called once, when the stream has ended; 'gone' where its client closed the connection. */
  ended(stream: Stream, reason: GoodbyeReason | 'gone'): void;
  /** Milliseconds since the epoch. */
  now(): number;
}
