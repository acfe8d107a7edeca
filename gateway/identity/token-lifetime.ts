/**
 * How long a token lives: up to a fifth less than the most, by chance, so that tokens that were issued together are not
 * all renewed together.
 */

const JITTER = 0.2;

/** @param random from 0 up to 1 @returns milliseconds */
export function tokenLifetime(longestMs: number, random: number): number {
  return Math.round(longestMs * (1 - JITTER * random));
}
