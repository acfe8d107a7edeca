/**
 * One open stream: a position in a client's journal and a sink.
 *
 * It moves by steps. A step reads at most one chunk past the position and writes it; then comes the next one's turn. While
 * the sink is full, or the pace does not allow it, nothing is read; `drained` or a timer brings the next step. At the end
 * of the journal it waits in the live tail, from which fresh entries come without being read again. Replay and live are
 * the same loop: there is no seam.
 */

import type { ControlApplied, GoodbyeReason, Hello } from '../../protocol/frames.ts';
import { ExpensiveExpressionError } from '../filter/expression.ts';
import type { Format } from '../format/format.ts';
import type { Rate } from '../request/stream-request.ts';
import { Announcer, type Place } from './announcer.ts';
import { Ending } from './ending.ts';
import type { FreshEntries, Waiting } from './live-tail.ts';
import { NextTurn } from './next-turn.ts';
import { Outlet } from './outlet.ts';
import { PacedReader } from './paced-reader.ts';
import { Progress } from './progress.ts';
import type { Runnable } from './scheduler.ts';
import type { Sink, SinkEvents } from './sink.ts';
import type { Source, Step } from './source.ts';
import type { StreamPlan } from './stream-plan.ts';
import type { StreamSurroundings } from './surroundings.ts';

export class Stream implements Runnable, Waiting, SinkEvents, Place {
  readonly id: string;
  readonly plan: StreamPlan;
  readonly progress: Progress;
  readonly #sink: Sink;
  readonly #around: StreamSurroundings;
  readonly #announcer: Announcer;
  readonly #outlet: Outlet;
  readonly #reader: PacedReader;
  readonly #turn: NextTurn;
  readonly #ending: Ending | undefined;
  #caughtUp = false;
  #paused = false;
  #ended = false;
  /** Nothing depends on the time before this moment, ms since the epoch. */
  #quietUntil = 0;

  constructor(
    id: string,
    plan: StreamPlan,
    io: { readonly source: Source; readonly format: Format; readonly sink: Sink },
    around: StreamSurroundings,
  ) {
    this.id = id;
    this.plan = plan;
    this.#sink = io.sink;
    this.#around = around;
    const now = around.now();
    this.progress = new Progress(now);
    this.#outlet = new Outlet(plan.after, io, this.progress);
    this.#announcer = new Announcer(plan, io, around);
    this.#reader = new PacedReader(io.source, plan, around.chunkBytes, now);
    this.#ending = plan.until && new Ending(plan, plan.until, around, now);
    this.#turn = new NextTurn(this, plan, around);
  }

  /** Everything up to here has been sent or dropped by the filter. */
  get position(): number {
    return this.#outlet.position;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get throttled(): boolean {
    return this.#reader.throttled;
  }

  catchUpMs(lag: number): number | null {
    return this.#reader.secondsFor(lag, lag * this.progress.meanBytes) * 1000 || null;
  }

  start(hello: Hello): void {
    this.#sink.listen(this);
    this.#announcer.say(hello);
    this.#turn.soon();
  }

  step(): void {
    this.#quietUntil = 0;
    if (this.#ended || this.#sink.full) return;
    this.#announcer.sayWaiting();
    if (this.#paused) return;
    try {
      this.#advance();
    } catch (error) {
      this.#fail(error);
    }
    this.#sink.flush();
  }

  woken(fresh: FreshEntries): boolean {
    if (this.#ended || this.#paused) return false;
    this.#quietUntil = 0;
    if (this.plan.batch.waitMs > 0) return this.#turn.forBatch(fresh.count);
    if (this.#reader.passesEverything && this.#outlet.fresh(fresh)) return true;
    this.#turn.soon();
    return false;
  }

  drained(): void {
    this.#turn.soon();
  }

  closed(): void {
    this.#finish('gone');
  }

  /** Looks after what depends on time; called several times a second. */
  tick(now: number): void {
    if (this.#ended || now < this.#quietUntil) return;
    try {
      this.#lookAfter(now);
    } catch (error) {
      this.#fail(error);
    }
  }

  #lookAfter(now: number): void {
    if (this.#ending?.hasCome(now)) this.nudge();
    this.progress.tick(now, this.#sink);
    if (now >= this.plan.expiry.at) this.end(this.plan.expiry.reason, 0);
    else if (this.progress.stuckMs(now) >= this.#around.stuckMs) {
      this.end('slow', 1_000, 'The reader took nothing for too long.');
      this.#sink.destroy();
    } else if (!this.#sink.full && now >= this.#announcer.due) {
      this.#announcer.bookmark(this);
      this.#sink.flush();
    } else if (this.#sink.backlog === 0 && this.progress.resting) {
      const ending = this.#ending?.quietUntil ?? Number.POSITIVE_INFINITY;
      this.#quietUntil = Math.min(this.plan.expiry.at, this.#announcer.due, ending);
    }
  }

  /** Looks at the journal again, whatever the live tail has said so far. */
  nudge(): void {
    this.#turn.soon();
  }

  pause(): ControlApplied {
    this.#paused = true;
    this.#turn.leaveTail();
    return this.#applied('pause');
  }

  resume(): ControlApplied {
    this.#paused = false;
    this.nudge();
    return this.#applied('resume');
  }

  setRate(rate: Rate): ControlApplied {
    this.#reader.setRate(rate, this.#around.now());
    this.nudge();
    return this.#applied('max_rate');
  }

  setSource(source: Source): ControlApplied {
    this.#reader.setSource(source);
    this.nudge();
    return this.#applied('filter');
  }

  acknowledged(offset: number): ControlApplied {
    this.#quietUntil = 0;
    return this.#announcer.notice({ kind: 'control', applied: 'ack', offset });
  }

  /** Says goodbye and ends the response. Idempotent. */
  end(reason: GoodbyeReason, retryAfterMs: number, detail?: string): void {
    if (this.#ended) return;
    this.#announcer.goodbye(reason, this.position, retryAfterMs, detail);
    this.#finish(reason);
    this.#outlet.end();
  }

  #advance(): void {
    this.#turn.begin();
    const now = this.#around.now();
    const end = this.#ending?.look();
    const found = this.#reader.next(this.position, end?.last, now);
    switch (found.kind) {
      case 'step':
        this.#send(found, end?.final ?? !this.plan.follow, now);
        break;
      case 'not-yet':
        this.#turn.afterMs(found.ms);
        break;
      case 'retired':
        this.end('retired', 0, `Messages up to offset ${found.earliest - 1} were retired before they could be sent.`);
    }
  }

  /** @param final nothing that is wanted can still come after what is there to be read now */
  #send(step: Step, final: boolean, now: number): void {
    this.#outlet.step(step);
    this.#announcer.skip(step.skipped);
    if (step.end) this.#atEnd(final);
    else {
      if (this.#announcer.skipped > 0 && now >= this.#announcer.due) this.#announcer.bookmark(this);
      // A full sink says when it has drained; asking for a turn meanwhile would be for nothing.
      if (!this.#sink.full) this.#turn.soon();
    }
  }

  #atEnd(complete: boolean): void {
    if (this.#announcer.skipped > 0 && (complete || !this.#caughtUp)) this.#announcer.bookmark(this);
    if (complete) {
      this.end('until', 0);
      return;
    }
    if (!this.#caughtUp) {
      this.#caughtUp = true;
      this.#announcer.say({ kind: 'caught_up', offset: this.position });
    }
    this.#turn.atTail();
  }

  #fail(error: unknown): void {
    if (error instanceof ExpensiveExpressionError) {
      this.end('limit', 0, error.message);
      return;
    }
    this.#around.logger.error({ err: error, stream: this.id }, 'the stream cannot go on');
    this.end('error', 1_000);
  }

  #applied(applied: ControlApplied['applied']): ControlApplied {
    this.#quietUntil = 0;
    return this.#announcer.notice({ kind: 'control', applied, offset: this.position });
  }

  #finish(reason: GoodbyeReason | 'gone'): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#turn.stop();
    this.#around.ended(this, reason);
  }
}
