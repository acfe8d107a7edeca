/** Load profiles: how many submissions per second, over time. Pure. */

export const PROFILES = ['ramp', 'soak', 'spike'] as const;
export type ProfileName = (typeof PROFILES)[number];

/** How much of the load a spike leaves running before and after it. */
const SPIKE_BASE = 0.2;
/** Where the spike is, as shares of the duration. */
export const SPIKE = { from: 1 / 3, to: 2 / 3 };

/**
 * Submissions per second at a moment.
 *
 * - ramp: from nothing to the rate in the first half, then steady: where does it break?
 * - soak: the rate all the time: does anything grow?
 * - spike: a fifth of the rate, but the whole of it in the middle third: does it shed, and recover?
 *
 * @param at share of the duration that is over, 0 to 1
 */
export function rateAt(profile: ProfileName, rate: number, at: number): number {
  switch (profile) {
    case 'ramp':
      return rate * Math.min(1, at * 2);
    case 'soak':
      return rate;
    case 'spike':
      return at >= SPIKE.from && at < SPIKE.to ? rate : rate * SPIKE_BASE;
  }
}

/**
 * How many submissions are due by a moment: the integral, so that a slow moment of the sender is made up for and the
 * load stays what was asked for (no coordinated omission).
 */
export function dueBy(profile: ProfileName, rate: number, durationSeconds: number, elapsedSeconds: number): number {
  const at = Math.min(1, elapsedSeconds / durationSeconds);
  return Math.floor(durationSeconds * rate * shareBy(profile, at));
}

function shareBy(profile: ProfileName, at: number): number {
  switch (profile) {
    case 'ramp':
      return at <= 0.5 ? at * at : 0.25 + (at - 0.5);
    case 'soak':
      return at;
    case 'spike': {
      const within = Math.min(Math.max(at - SPIKE.from, 0), SPIKE.to - SPIKE.from);
      return SPIKE_BASE * (at - within) + within;
    }
  }
}
