/** Reads what is wanted of a journal as fast as the pace allows: both may change between one read and the next. */
import type { Retired } from '../../journal/reading.ts';
import type { Rate } from '../request/stream-request.ts';
import { Pacer } from './pacer.ts';
import type { Source, Step } from './source.ts';
import type { StreamPlan } from './stream-plan.ts';

/** The pace allows nothing for so long. */
export interface NotYet {
  readonly kind: 'not-yet';
  readonly ms: number;
}

export class PacedReader {
  readonly #plan: StreamPlan;
  readonly #chunkBytes: number;
  readonly #pacer: Pacer;
  #source: Source;
  #throttled = false;

  /** @param chunkBytes of one read @param now ms */
  constructor(source: Source, plan: StreamPlan, chunkBytes: number, now: number) {
    this.#source = source;
    this.#plan = plan;
    this.#chunkBytes = chunkBytes;
    this.#pacer = new Pacer(plan.rate, now);
  }

  /** Whatever is appended is wanted, as it is and at once: it need not be read. */
  get passesEverything(): boolean {
    const { until, batch } = this.#plan;
    return this.#source.everything && until === undefined && batch.messages === undefined && !this.#pacer.limited;
  }

  /** The pace is what holds messages back. */
  get throttled(): boolean {
    return this.#throttled;
  }

  /** What comes next past a position, up to the last offset wanted if there is one. It counts as sent. */
  next(after: number, until: number | undefined, now: number): Step | Retired | NotYet {
    const ms = this.#pacer.delay(now);
    if (ms > 0) {
      this.#throttled = true;
      return { kind: 'not-yet', ms };
    }
    const quota = this.#pacer.quota(now);
    const found = this.#source.next(after, {
      bytes: Math.min(quota.bytes ?? Number.POSITIVE_INFINITY, this.#chunkBytes),
      messages: least(quota.messages, this.#plan.batch.messages),
      until,
    });
    if (found.kind === 'step') {
      this.#pacer.spent(found.messages, found.bytes);
      if (found.end) this.#throttled = false;
    }
    return found;
  }

  setRate(rate: Rate, now: number): void {
    this.#pacer.set(rate, now);
    this.#throttled = false;
  }

  setSource(source: Source): void {
    this.#source = source;
  }

  /** How long so much takes at the pace; 0 without one. */
  secondsFor(messages: number, bytes: number): number {
    return this.#pacer.secondsFor(messages, bytes);
  }
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : Math.min(a, b ?? a);
}
