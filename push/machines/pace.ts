/**
 * Spaces requests evenly at a rate: the generic cell rate algorithm (ITU-T I.371) with a tolerance of a few requests, so that a
 * timer that fires late does not lower the rate, and nothing saved up comes as a burst.
 */

/** The theoretical arrival time of the next request, ms. */
export type Pace = number;

export const UNPACED: Pace = Number.NEGATIVE_INFINITY;

/** How much later than it could have been a request may come without losing its place. */
const TOLERANCE_MS = 50;

/** When the next request may go, ms; in the past for at once. @param rate per second, 0 for no limit */
export function paceAllows(pace: Pace, rate: number): number {
  return rate === 0 ? Number.NEGATIVE_INFINITY : pace - TOLERANCE_MS;
}

/** After a request that went at `now`. */
export function paced(pace: Pace, rate: number, now: number): Pace {
  return rate === 0 ? UNPACED : Math.max(pace, now) + 1000 / rate;
}
