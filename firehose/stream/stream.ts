/**
 * One open stream: a position in a client's journal and a sink.
 *
 * It moves by steps. A step reads at most one chunk past the position and writes it; then comes the next one's turn. While
 * the sink is full nothing is read; `drained` brings the next step. At the end of the journal it waits in the live tail,
 * from which fresh entries come without being read again. Replay and live are the same loop: there is no seam.
 */
import type { Logger } from 'pino';
import type { Retired } from '../../journal/reader.ts';
import type { Format } from '../format/format.ts';
import { type ControlFrame, GOODBYE_REASONS, type GoodbyeReason, type Hello } from '../format/frame.ts';
import { Chunk } from './chunk.ts';
import type { FreshEntries, LiveTail, Waiting } from './live-tail.ts';
import type { Runnable, Scheduler } from './scheduler.ts';
import type { Sink, SinkEvents } from './sink.ts';
import type { Source } from './source.ts';

/** A stream whose filter drops everything says where it stands at most so often. */
const BOOKMARK_MS = 1_000;
/** A connection that does not take its goodbye is cut after so long. */
const LINGER_MS = 2_000;

export interface StreamPlan {
  readonly client: string;
  readonly epoch: string;
  /** The stream holds what comes after this offset. */
  readonly after: number;
  /** Last offset wanted. */
  readonly until: number | undefined;
  readonly follow: boolean;
  readonly heartbeatMs: number;
  /** When the token runs out, ms since the epoch. */
  readonly expiresAt: number;
}

/** Where the client's journal stands. */
export interface Standing {
  readonly latest: number;
  /** Messages past the given offset. */
  readonly lag: number;
}

export interface StreamDependencies {
  readonly source: Source;
  readonly format: Format;
  readonly sink: Sink;
  readonly tail: LiveTail;
  readonly scheduler: Scheduler;
  readonly standing: (after: number) => Standing;
  /** Offset of the next record that the journal will take in: no entry below it is still to come. */
  readonly journaled: () => number;
  readonly ended: (stream: Stream, reason: GoodbyeReason | 'gone') => void;
  readonly chunkBytes: number;
  readonly stuckMs: number;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export class Stream implements Runnable, Waiting, SinkEvents {
  readonly id: string;
  readonly plan: StreamPlan;
  readonly #to: StreamDependencies;
  #position: number;
  #messages = 0;
  #skipped = 0;
  #caughtUp = false;
  #ended = false;
  #lastBookmark: number;
  #taken = 0;
  #takenAt: number;

  constructor(id: string, plan: StreamPlan, to: StreamDependencies) {
    this.id = id;
    this.plan = plan;
    this.#to = to;
    this.#position = plan.after;
    this.#lastBookmark = to.now();
    this.#takenAt = this.#lastBookmark;
  }

  get position(): number {
    return this.#position;
  }

  /** Messages sent. */
  get messages(): number {
    return this.#messages;
  }

  start(hello: Hello): void {
    this.#to.sink.listen(this);
    this.#say(hello);
    this.#to.scheduler.enqueue(this);
  }

  step(): void {
    if (this.#ended || this.#to.sink.full) return;
    try {
      this.#advance();
    } catch (error) {
      this.#to.logger.error({ err: error, stream: this.id }, 'the stream cannot go on');
      this.end('error', 1_000);
    }
  }

  woken(fresh: FreshEntries): void {
    if (this.#ended) return;
    const { source, sink, format, scheduler, tail } = this.#to;
    const next = fresh.prev <= this.#position && this.#position < fresh.first;
    if (!next || !source.everything || sink.full || this.plan.until !== undefined) {
      scheduler.enqueue(this);
      return;
    }
    sink.write(fresh.chunk(format));
    this.#position = fresh.last;
    this.#messages += fresh.count;
    if (!sink.full) tail.wait(this.plan.client, this);
  }

  drained(): void {
    this.#to.scheduler.enqueue(this);
  }

  closed(): void {
    this.#finish('gone');
  }

  /** Looks after what depends on time; called several times a second. */
  tick(now: number): void {
    if (this.#ended) return;
    if (now >= this.plan.expiresAt) this.end('token_expired', 0);
    else if (this.#isStuck(now)) {
      this.end('slow', 1_000);
      this.#to.sink.destroy();
    } else if (!this.#to.sink.full) {
      const due = now - this.#lastBookmark;
      if (due >= this.plan.heartbeatMs || (this.#skipped > 0 && due >= BOOKMARK_MS)) this.#bookmark();
    }
  }

  /** Looks at the journal again, whatever the live tail has said so far. */
  nudge(): void {
    this.#to.scheduler.enqueue(this);
  }

  /** Says goodbye and ends the response. Idempotent. */
  end(reason: GoodbyeReason, retryAfterMs: number, detail?: string): void {
    if (this.#ended) return;
    const { sink } = this.#to;
    this.#say({
      kind: 'goodbye',
      reason,
      ...(detail !== undefined && { detail }),
      terminal: GOODBYE_REASONS[reason].terminal,
      epoch: this.plan.epoch,
      offset: this.#position,
      retry_after_ms: retryAfterMs,
    });
    this.#finish(reason);
    sink.end();
    setTimeout(() => sink.destroy(), LINGER_MS).unref();
  }

  #advance(): void {
    const { source, sink, format, scheduler, tail } = this.#to;
    const { until, client } = this.plan;
    const found = source.next(this.#position, { bytes: this.#to.chunkBytes, messages: undefined, until });
    if (found.kind === 'retired') {
      this.#retired(found);
      return;
    }
    for (const frames of found.frames) sink.write(new Chunk(format.messages(frames)));
    this.#position = found.position;
    this.#messages += found.messages;
    this.#skipped += found.skipped;
    if (!found.end) {
      if (this.#skipped > 0 && this.#to.now() - this.#lastBookmark >= BOOKMARK_MS) this.#bookmark();
      // A full sink says when it has drained; asking for a turn meanwhile would be for nothing.
      if (!sink.full) scheduler.enqueue(this);
      return;
    }
    if (this.#isComplete(until)) {
      if (this.#skipped > 0) this.#bookmark();
      this.end('until', 0);
      return;
    }
    if (!this.#caughtUp) {
      this.#caughtUp = true;
      if (this.#skipped > 0) this.#bookmark();
      this.#say({ kind: 'caught_up', offset: this.#position });
    }
    tail.wait(client, this);
  }

  /** Whether nothing that is wanted can still come. */
  #isComplete(until: number | undefined): boolean {
    if (!this.plan.follow) return true;
    return until !== undefined && this.#to.journaled() > until;
  }

  #retired({ earliest }: Retired): void {
    this.end('retired', 0, `Messages up to offset ${earliest - 1} have been retired before they could be sent.`);
  }

  #isStuck(now: number): boolean {
    const { taken, backlog } = this.#to.sink;
    if (backlog === 0 || taken !== this.#taken) {
      this.#taken = taken;
      this.#takenAt = now;
      return false;
    }
    return now - this.#takenAt >= this.#to.stuckMs;
  }

  #bookmark(): void {
    const { latest, lag } = this.#to.standing(this.#position);
    const skipped = this.#skipped;
    this.#skipped = 0;
    this.#lastBookmark = this.#to.now();
    this.#say({ kind: 'bookmark', offset: this.#position, skipped, latest, lag, live: lag === 0 });
  }

  #say(frame: ControlFrame): void {
    this.#to.sink.write(new Chunk(this.#to.format.control(frame)));
  }

  #finish(reason: GoodbyeReason | 'gone'): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#to.tail.leave(this.plan.client, this);
    this.#to.ended(this, reason);
  }
}
