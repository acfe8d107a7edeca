/**
 * How many requests may be under way to one endpoint: slow start, then additive increase, multiplicative decrease (Chiu and Jain,
 * 1989), as TCP finds out what a path takes.
 *
 * It begins with one, so that an endpoint that answers nothing holds nothing beyond that. A delivery that came back in good time
 * makes room for one more until something speaks against it, and from then on for a little more; a failure halves it, but only
 * once for all the requests that were under way together. Where answers become much slower than the quickest ones were,
 * requests are queueing, there or here, and fewer at once get through just as fast: then it gives way as slowly as it grew.
 */

export interface ConcurrencyOptions {
  readonly start: number;
  readonly most: number;
}

export interface Concurrency {
  /** Requests that may be under way. Grows by fractions; whole ones count. */
  readonly limit: number;
  /** Below it the limit grows by one with each delivery, above it slowly. */
  readonly threshold: number;
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
  return {
    limit: Math.min(start, most),
    threshold: most,
    quickest: Number.POSITIVE_INFINITY,
    decreasedAt: Number.NEGATIVE_INFINITY,
  };
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
  const growth = state.limit < state.threshold ? 1 : 1 / state.limit;
  const step = isQueueing ? -1 / state.limit : isUsed ? growth : 0;
  const limit = Math.min(most, Math.max(1, state.limit + step));
  return { limit, threshold: isQueueing ? limit : state.threshold, quickest, decreasedAt: state.decreasedAt };
}

/** @param sentAt ms, by the same clock as `now` */
export function failed(state: Concurrency, sentAt: number, now: number): Concurrency {
  if (sentAt < state.decreasedAt) return state;
  const limit = Math.max(1, state.limit / 2);
  return { limit, threshold: limit, quickest: state.quickest, decreasedAt: now };
}
