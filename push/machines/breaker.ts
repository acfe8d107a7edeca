/**
 * The circuit breaker of one endpoint: closed → open → half-open → closed or open again.
 *
 * Closed, it counts what happened in the last five minutes. Where most of it failed, it opens: nothing is sent for a while.
 * Then one request is let through as a probe; its success closes the breaker, its failure opens it for twice as long.
 * Values and pure transitions; time and chance are arguments.
 */
import { jittered } from './retry-schedule.ts';

export interface BreakerOptions {
  /** How far back failures count. */
  readonly windowMs: number;
  /** Fewer requests than this in the window never open it. */
  readonly minRequests: number;
  /** Part of failed requests, 0 to 1, from which on it opens. */
  readonly failureRatio: number;
  /** First time open; doubles with each failed probe. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

interface Slot {
  readonly start: number;
  readonly delivered: number;
  readonly failed: number;
}

export type Breaker =
  | { readonly kind: 'closed'; readonly past: readonly Slot[]; readonly current: Slot }
  | { readonly kind: 'open'; readonly until: number; readonly times: number }
  /** One probe is under way. */
  | { readonly kind: 'half-open'; readonly times: number };

const SLOTS = 30;
const EMPTY: Slot = { start: Number.NEGATIVE_INFINITY, delivered: 0, failed: 0 };

export const CLOSED: Breaker = { kind: 'closed', past: [], current: EMPTY };

/** As found after a restart with an endpoint that was failing: the next request is a probe. */
export const OPEN_FOR_PROBE: Breaker = { kind: 'open', until: Number.NEGATIVE_INFINITY, times: 1 };

/** When the next request may be sent: -Infinity for now, Infinity while a probe is under way. */
export function admitsAt(breaker: Breaker): number {
  if (breaker.kind === 'closed') return Number.NEGATIVE_INFINITY;
  return breaker.kind === 'open' ? breaker.until : Number.POSITIVE_INFINITY;
}

/** A request is sent (allowed by `admitsAt`). */
export function sent(breaker: Breaker): Breaker {
  return breaker.kind === 'open' ? { kind: 'half-open', times: breaker.times } : breaker;
}

/** The probe came to nothing that tells anything, such as a shutdown: the next request is one. */
export function probeAbandoned(breaker: Breaker, now: number): Breaker {
  return breaker.kind === 'half-open' ? { kind: 'open', until: now, times: breaker.times } : breaker;
}

/**
 * A request was answered. @param random in [0, 1)
 * Answers to requests that were under way when it opened change nothing: only the probe's does.
 */
export function answered(
  breaker: Breaker,
  delivered: boolean,
  isProbe: boolean,
  now: number,
  random: number,
  options: BreakerOptions,
): Breaker {
  switch (breaker.kind) {
    case 'open':
      return breaker;
    case 'half-open':
      if (!isProbe) return breaker;
      return delivered ? CLOSED : opened(breaker.times + 1, now, random, options);
    case 'closed': {
      const next = counted(breaker, delivered, now, options);
      return isTripped(next, options) ? opened(1, now, random, options) : next;
    }
  }
}

function opened(times: number, now: number, random: number, { openMs, maxOpenMs }: BreakerOptions): Breaker {
  const pause = Math.min(openMs * 2 ** Math.min(times - 1, 30), maxOpenMs);
  return { kind: 'open', until: now + jittered(pause, random), times };
}

type Closed = Extract<Breaker, { kind: 'closed' }>;

function counted({ past, current }: Closed, delivered: boolean, now: number, { windowMs }: BreakerOptions): Closed {
  const inSlot = now < current.start + windowMs / SLOTS;
  const slot = inSlot ? current : { start: now, delivered: 0, failed: 0 };
  const before = inSlot || current === EMPTY ? past : [...past, current];
  const oldest = before[0];
  return {
    kind: 'closed',
    past:
      oldest !== undefined && oldest.start < now - windowMs
        ? before.filter(({ start }) => start >= now - windowMs)
        : before,
    current: delivered
      ? { start: slot.start, delivered: slot.delivered + 1, failed: slot.failed }
      : { start: slot.start, delivered: slot.delivered, failed: slot.failed + 1 },
  };
}

function isTripped({ past, current }: Closed, { minRequests, failureRatio }: BreakerOptions): boolean {
  // Without a failure in sight there is nothing to add up: the usual case costs nothing.
  if (current.failed === 0) return false;
  let { delivered, failed } = current;
  for (const slot of past) {
    delivered += slot.delivered;
    failed += slot.failed;
  }
  return delivered + failed >= minRequests && failed >= failureRatio * (delivered + failed);
}
