/**
 * When a delivery that failed is tried again: the schedule of Standard Webhooks, spread by jitter so that what failed
 * together does not come back together.
 */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Pauses after the first, second … failed try. With the first try that makes ten. Milliseconds. */
export const STANDARD_SCHEDULE: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];

const JITTER = 0.2;

/**
 * @param attempts how often it was tried by now, at least 1
 * @param random in [0, 1)
 * @returns ms since the epoch, undefined where it was the last try
 */
export function retryAt(
  schedule: readonly number[],
  attempts: number,
  now: number,
  random: number,
): number | undefined {
  const pause = schedule[attempts - 1];
  return pause === undefined ? undefined : now + jittered(pause, random);
}

/** ±20 %. @param random in [0, 1) */
export function jittered(pause: number, random: number): number {
  return Math.round(pause * (1 + JITTER * (2 * random - 1)));
}

/**
 * The pause that a Retry-After header asks for (RFC 9110, 10.2.3), in ms, not beyond `most`.
 * @returns undefined where there is none, or it says nothing that can be understood
 */
export function retryAfterMs(header: string | undefined, now: number, most: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  // Date.parse understands much that is no HTTP date; those all begin with the day's name.
  const pause = /^\d+$/.test(text) ? Number(text) * SECOND : /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) - now : NaN;
  return Number.isNaN(pause) ? undefined : Math.min(Math.max(pause, 0), most);
}
