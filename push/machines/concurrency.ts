/**
 * How many requests may be under way to one endpoint: additive increase, multiplicative decrease (Chiu and Jain, 1989), as TCP
 * finds out what a path takes.
 *
 * A delivery that came back in good time makes room for a little more; a failure halves it, but only once for all the
 * requests that were under way together. Where answers become much slower than the quickest ones were, requests are queueing,
 * there or here, and fewer at once get through just as fast: then it gives way as slowly as it grew.
 */

export interface ConcurrencyOptions {
  readonly start: number;
  readonly most: number;
}

export interface Concurrency {
  /** Requests that may be under way. Grows by fractions; whole ones count. */
  readonly limit: number;
  /** The quickest answer of late, ms. Forgets slowly, since the receiver may have moved further away. */
  readonly quickest: number;
  /** Requests sent before this moment (ms) have been accounted for by a decrease. */
  readonly decreasedAt: number;
}

/** Answers up to this many times slower than the quickest are no sign of a queue, nor are those quicker than FLOOR_MS. */
const TOLERANCE = 4;
const FLOOR_MS = 20;
const FORGET = 1.0002;

export function startConcurrency({ start, most }: ConcurrencyOptions): Concurrency {
  return { limit: Math.min(start, most), quickest: Number.POSITIVE_INFINITY, decreasedAt: Number.NEGATIVE_INFINITY };
}

/** @param tookMs from sending to the answer @param inFlight under way when it was answered, this one included */
export function delivered(
  state: Concurrency,
  tookMs: number,
  inFlight: number,
  { most }: ConcurrencyOptions,
): Concurrency {
  const quickest = Math.min(state.quickest * FORGET, tookMs);
  // Room that is not used proves nothing: growing then would let a burst loose later.
  const isUsed = inFlight + 1 >= Math.floor(state.limit);
  const isQueueing = tookMs > FLOOR_MS && tookMs > quickest * TOLERANCE;
  const step = isQueueing ? -1 / state.limit : isUsed ? 1 / state.limit : 0;
  return { limit: Math.min(most, Math.max(1, state.limit + step)), quickest, decreasedAt: state.decreasedAt };
}

/** @param sentAt ms, by the same clock as `now` */
export function failed(state: Concurrency, sentAt: number, now: number): Concurrency {
  if (sentAt < state.decreasedAt) return state;
  return { limit: Math.max(1, state.limit / 2), quickest: state.quickest, decreasedAt: now };
}
