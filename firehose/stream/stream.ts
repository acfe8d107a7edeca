/**
 * One open stream: a position in a client's journal and a sink.
 *
 * It moves by steps. A step reads at most one chunk past the position and writes it; then comes the next one's turn. While
 * the sink is full, or the pace does not allow it, nothing is read; `drained` or a timer brings the next step. At the end
 * of the journal it waits in the live tail, from which fresh entries come without being read again. Replay and live are
 * the same loop: there is no seam.
 */
import type { Retired } from '../../journal/reading.ts';
import {
  type Bookmark,
  type ControlApplied,
  type ControlFrame,
  GOODBYE_REASONS,
  type GoodbyeReason,
  type Hello,
} from '../../protocol/frames.ts';
import { ExpensiveExpressionError } from '../filter/expression.ts';
import type { Format } from '../format/format.ts';
import type { Rate } from '../request/stream-request.ts';
import { Chunk } from './chunk.ts';
import type { FreshEntries, Waiting } from './live-tail.ts';
import { Pacer } from './pacer.ts';
import { Progress } from './progress.ts';
import type { Runnable } from './scheduler.ts';
import type { Sink, SinkEvents } from './sink.ts';
import type { Source, Step } from './source.ts';
import type { StreamSurroundings } from './surroundings.ts';

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
  readonly rate: Rate;
  /** Most messages in one write, longest wait for more of them at the tail. */
  readonly batch: { readonly messages: number | undefined; readonly waitMs: number };
  readonly heartbeatMs: number;
  readonly onGap: 'fail' | 'earliest';
  /** When the token runs out, ms since the epoch. */
  readonly expiresAt: number;
  /** The named consumer whose connection this is. */
  readonly consumer: string | undefined;
}

export class Stream implements Runnable, Waiting, SinkEvents {
  readonly id: string;
  readonly plan: StreamPlan;
  readonly progress: Progress;
  readonly #format: Format;
  readonly #sink: Sink;
  readonly #around: StreamSurroundings;
  readonly #pacer: Pacer;
  #source: Source;
  #position: number;
  #skipped = 0;
  #caughtUp = false;
  #paused = false;
  #throttled = false;
  #ended = false;
  #lastBookmark: number;
  #timer: NodeJS.Timeout | undefined;
  /** Messages that wait at the tail for their batch to fill. */
  #held = 0;
  #notices: ControlApplied[] = [];

  constructor(
    id: string,
    plan: StreamPlan,
    io: { readonly source: Source; readonly format: Format; readonly sink: Sink },
    around: StreamSurroundings,
  ) {
    this.id = id;
    this.plan = plan;
    this.#source = io.source;
    this.#format = io.format;
    this.#sink = io.sink;
    this.#around = around;
    this.#position = plan.after;
    const now = around.now();
    this.#pacer = new Pacer(plan.rate, now);
    this.#lastBookmark = now;
    this.progress = new Progress(now);
  }

  /** Everything up to here has been sent or dropped by the filter. */
  get position(): number {
    return this.#position;
  }

  get paused(): boolean {
    return this.#paused;
  }

  start(hello: Hello): void {
    this.#sink.listen(this);
    this.#say(hello);
    this.#around.scheduler.enqueue(this);
  }

  step(): void {
    if (this.#ended || this.#sink.full) return;
    for (const notice of this.#notices.splice(0)) this.#say(notice);
    if (this.#paused) return;
    try {
      this.#advance();
    } catch (error) {
      this.#fail(error);
    }
    this.#sink.flush();
  }

  woken(fresh: FreshEntries): void {
    if (this.#ended || this.#paused) return;
    const follows = fresh.prev <= this.#position && this.#position < fresh.first;
    const asItIs = this.#source.everything && !this.#pacer.limited && this.plan.until === undefined;
    const { messages, waitMs } = this.plan.batch;
    if (waitMs > 0) this.#hold(fresh.count);
    else if (!follows || !asItIs || this.#sink.full || messages !== undefined) this.#around.scheduler.enqueue(this);
    else {
      const chunk = fresh.chunk(this.#format);
      this.#sink.write(chunk);
      this.#position = fresh.last;
      this.progress.sent(fresh.count, chunk.data.length);
      this.#sink.flush();
      this.#around.tail.wait(this.plan.client, this);
    }
  }

  drained(): void {
    this.#around.scheduler.enqueue(this);
  }

  closed(): void {
    this.#finish('gone');
  }

  /** Looks after what depends on time; called several times a second. */
  tick(now: number): void {
    if (this.#ended) return;
    this.progress.tick(now, this.#sink);
    if (now >= this.plan.expiresAt) this.end('token_expired', 0);
    else if (this.progress.stuckMs(now) >= this.#around.stuckMs) {
      this.end('slow', 1_000, 'The reader took nothing for too long.');
      this.#sink.destroy();
    } else if (!this.#sink.full) {
      const due = now - this.#lastBookmark;
      if (due >= this.plan.heartbeatMs || (this.#skipped > 0 && due >= BOOKMARK_MS)) {
        this.#bookmark();
        this.#sink.flush();
      }
    }
  }

  /** Looks at the journal again, whatever the live tail has said so far. */
  nudge(): void {
    this.#around.scheduler.enqueue(this);
  }

  pause(): ControlApplied {
    this.#paused = true;
    this.#around.tail.leave(this.plan.client, this);
    return this.#applied('pause');
  }

  resume(): ControlApplied {
    this.#paused = false;
    this.nudge();
    return this.#applied('resume');
  }

  setRate(rate: Rate): ControlApplied {
    this.#pacer.set(rate, this.#around.now());
    this.#throttled = false;
    this.nudge();
    return this.#applied('max_rate');
  }

  setSource(source: Source): ControlApplied {
    this.#source = source;
    this.nudge();
    return this.#applied('filter');
  }

  acknowledged(offset: number): ControlApplied {
    return this.#notice({ kind: 'control', applied: 'ack', offset });
  }

  /** Says goodbye and ends the response. Idempotent. */
  end(reason: GoodbyeReason, retryAfterMs: number, detail?: string): void {
    if (this.#ended) return;
    const again = reason === 'retired' && this.plan.onGap === 'earliest';
    this.#say({
      kind: 'goodbye',
      reason,
      ...(detail !== undefined && { detail }),
      terminal: GOODBYE_REASONS[reason].terminal && !again,
      epoch: this.plan.epoch,
      offset: this.#position,
      retry_after_ms: retryAfterMs,
    });
    this.#finish(reason);
    this.#sink.end();
    setTimeout(() => this.#sink.destroy(), LINGER_MS).unref();
  }

  #advance(): void {
    clearTimeout(this.#timer);
    this.#held = 0;
    const now = this.#around.now();
    const delay = this.#pacer.delay(now);
    if (delay > 0) {
      this.#throttled = true;
      this.#wakeIn(delay);
      return;
    }
    const quota = this.#pacer.quota(now);
    const found = this.#source.next(this.#position, {
      bytes: Math.min(quota.bytes ?? Number.POSITIVE_INFINITY, this.#around.chunkBytes),
      messages: least(quota.messages, this.plan.batch.messages),
      until: this.plan.until,
    });
    if (found.kind === 'retired') this.#retired(found);
    else this.#send(found, now);
  }

  #send(step: Step, now: number): void {
    for (const frames of step.frames) this.#sink.write(new Chunk(this.#format.messages(frames)));
    this.#position = step.position;
    this.#skipped += step.skipped;
    this.#pacer.spent(step.messages, step.bytes);
    this.progress.sent(step.messages, step.bytes);
    if (step.end) this.#atEnd();
    else {
      if (this.#skipped > 0 && now - this.#lastBookmark >= BOOKMARK_MS) this.#bookmark();
      // A full sink says when it has drained; asking for a turn meanwhile would be for nothing.
      if (!this.#sink.full) this.#around.scheduler.enqueue(this);
    }
  }

  #atEnd(): void {
    this.#throttled = false;
    const complete = this.#isComplete();
    const skipped = this.#skipped > 0;
    if (skipped && (complete || !this.#caughtUp)) this.#bookmark();
    if (complete) {
      this.end('until', 0);
      return;
    }
    if (!this.#caughtUp) {
      this.#caughtUp = true;
      this.#say({ kind: 'caught_up', offset: this.#position });
    }
    this.#around.tail.wait(this.plan.client, this);
  }

  /** Whether nothing that is wanted can still come. */
  #isComplete(): boolean {
    const { follow, until, client } = this.plan;
    if (!follow) return true;
    return until !== undefined && this.#around.journaled(client) > until;
  }

  #retired({ earliest }: Retired): void {
    this.end('retired', 0, `Messages up to offset ${earliest - 1} have been retired before they could be sent.`);
  }

  #fail(error: unknown): void {
    if (error instanceof ExpensiveExpressionError) {
      this.end('limit', 0, error.message);
      return;
    }
    this.#around.logger.error({ err: error, stream: this.id }, 'the stream cannot go on');
    this.end('error', 1_000);
  }

  /** Lets messages gather at the tail until they fill a batch or have waited long enough. */
  #hold(count: number): void {
    const { messages = Number.POSITIVE_INFINITY, waitMs } = this.plan.batch;
    if (this.#held === 0) this.#wakeIn(waitMs);
    this.#held += count;
    if (this.#held >= messages) this.#around.scheduler.enqueue(this);
    else this.#around.tail.wait(this.plan.client, this);
  }

  #wakeIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#around.tail.leave(this.plan.client, this);
      this.step();
    }, ms);
  }

  #bookmark(): void {
    const { latest, lag, hash, retentionExpiresInMs } = this.#around.standing(this.plan.client, this.#position);
    const skipped = this.#skipped;
    this.#skipped = 0;
    this.#lastBookmark = this.#around.now();
    this.#say({
      kind: 'bookmark',
      offset: this.#position,
      skipped,
      latest,
      lag,
      live: lag === 0,
      hash,
      throttled: this.#throttled && lag > 0,
      paused: this.#paused,
      retention_expires_in_ms: retentionExpiresInMs,
      catch_up_ms: this.#catchUpMs(lag),
    } satisfies Bookmark);
  }

  #catchUpMs(lag: number): number | null {
    return this.#pacer.secondsFor(lag, lag * this.progress.meanBytes) * 1000 || null;
  }

  #applied(applied: ControlApplied['applied']): ControlApplied {
    return this.#notice({ kind: 'control', applied, offset: this.#position });
  }

  /** Written at once, or, where the sink is full, when it has drained: of each kind the latest. */
  #notice(notice: ControlApplied): ControlApplied {
    if (this.#sink.full) {
      this.#notices = [...this.#notices.filter(({ applied }) => applied !== notice.applied), notice];
    } else {
      this.#say(notice);
      this.#sink.flush();
    }
    return notice;
  }

  #say(frame: ControlFrame): void {
    this.#sink.write(new Chunk(this.#format.control(frame)));
  }

  #finish(reason: GoodbyeReason | 'gone'): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#around.tail.leave(this.plan.client, this);
    this.#around.ended(this, reason);
  }
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : Math.min(a, b ?? a);
}
