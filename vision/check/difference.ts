/** How far two outputs of one model are apart. */

/** Share of the largest expected number (at least 1) by which the worst number is off; infinite where the lengths differ. */
export function largestDifference(expected: Float32Array, actual: Float32Array): number {
  if (expected.length !== actual.length) return Number.POSITIVE_INFINITY;
  let scale = 1;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]!));
    const difference = Math.abs(expected[i]! - actual[i]!);
    // Not Math.max: a number that is none must not look like no difference.
    if (!(difference <= worst)) worst = difference;
  }
  return Number.isNaN(worst) ? Number.POSITIVE_INFINITY : worst / scale;
}
