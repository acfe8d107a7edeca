/**
 * What a stream says of itself between its messages: where it stands, now and then and whenever its filter drops much,
 * what of its client's wishes has taken effect, and goodbye.
 */
import {
  type Bookmark,
  type ControlApplied,
  type ControlFrame,
  GOODBYE_REASONS,
  type GoodbyeReason,
} from '../../protocol/frames.ts';
import type { Format } from '../format/format.ts';
import { Chunk } from './chunk.ts';
import type { Sink } from './sink.ts';
import type { StreamPlan } from './stream-plan.ts';
import type { StreamSurroundings } from './surroundings.ts';

/** A stream whose filter drops everything says where it stands at most so often. */
const BOOKMARK_MS = 1_000;

/** What a bookmark says that the stream alone knows. */
export interface Place {
  readonly position: number;
  /** The pace is what holds messages back. */
  readonly throttled: boolean;
  readonly paused: boolean;
  /** How long so many messages take at the pace, ms; null without one. */
  catchUpMs(lag: number): number | null;
}

export class Announcer {
  readonly #plan: StreamPlan;
  readonly #format: Format;
  readonly #sink: Sink;
  readonly #around: StreamSurroundings;
  #skipped = 0;
  #lastBookmark: number;
  #notices: ControlApplied[] | undefined;

  constructor(
    plan: StreamPlan,
    { format, sink }: { readonly format: Format; readonly sink: Sink },
    around: StreamSurroundings,
  ) {
    this.#plan = plan;
    this.#format = format;
    this.#sink = sink;
    this.#around = around;
    this.#lastBookmark = around.now();
  }

  /** Messages dropped since the bookmark before. */
  get skipped(): number {
    return this.#skipped;
  }

  /** When the next bookmark is due, ms since the epoch, if nothing more is dropped. */
  get due(): number {
    const { heartbeatMs } = this.#plan;
    return this.#lastBookmark + (this.#skipped > 0 ? Math.min(BOOKMARK_MS, heartbeatMs) : heartbeatMs);
  }

  skip(messages: number): void {
    this.#skipped += messages;
  }

  say(frame: ControlFrame): void {
    this.#sink.write(Chunk.shared(this.#format.control(frame)));
  }

  bookmark(place: Place): void {
    const { position, throttled, paused } = place;
    const { latest, lag, hash, retentionExpiresInMs } = this.#around.standing(this.#plan.client, position);
    const skipped = this.#skipped;
    this.#skipped = 0;
    this.#lastBookmark = this.#around.now();
    this.say({
      kind: 'bookmark',
      offset: position,
      skipped,
      latest,
      lag,
      live: lag === 0,
      hash,
      throttled: throttled && lag > 0,
      paused,
      retention_expires_in_ms: retentionExpiresInMs,
      catch_up_ms: place.catchUpMs(lag),
    } satisfies Bookmark);
  }

  /** Says it at once, or, where the sink is full, when it has drained: of each kind the latest. */
  notice(notice: ControlApplied): ControlApplied {
    if (this.#sink.full) {
      const others = this.#notices?.filter(({ applied }) => applied !== notice.applied) ?? [];
      this.#notices = [...others, notice];
    } else {
      this.say(notice);
      this.#sink.flush();
    }
    return notice;
  }

  /** Says what had to wait for the sink. */
  sayWaiting(): void {
    if (this.#notices === undefined) return;
    for (const notice of this.#notices) this.say(notice);
    this.#notices = undefined;
  }

  goodbye(reason: GoodbyeReason, offset: number, retryAfterMs: number, detail: string | undefined): void {
    const { epoch, onGap } = this.#plan;
    const again = reason === 'retired' && onGap === 'earliest';
    this.say({
      kind: 'goodbye',
      reason,
      ...(detail !== undefined && { detail }),
      terminal: GOODBYE_REASONS[reason].terminal && !again,
      epoch,
      offset,
      retry_after_ms: retryAfterMs,
    });
  }
}
