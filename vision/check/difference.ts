/** How far two outputs of one model are apart. */

/** Share of the largest expected number (at least 1) by which the worst number is off; infinite where the lengths differ. */
export function largestDifference(expected: Float32Array, actual: Float32Array): number {
  if (expected.length !== actual.length) return Number.POSITIVE_INFINITY;
  let scale = 1;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]!));
    const difference = Math.abs(expected[i]! - actual[i]!);
    // A number that is none would be lost in every comparison.
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, difference);
  }
  return worst / scale;
}

/** Pixels, where a result's number is one; what is at most 1 is a confidence and has to agree more closely. */
const PIXELS = 2;
const CONFIDENCE = 0.02;

/** Whether two lists of results say the same up to what providers may differ by. Which provider it was and encoded crops are no matter. */
export function resultsAgree(expected: unknown, actual: unknown): boolean {
  if (typeof expected === 'number' && typeof actual === 'number')
    return Math.abs(expected - actual) <= (Math.abs(expected) <= 1 ? CONFIDENCE : PIXELS);
  if (ArrayBuffer.isView(expected)) return ArrayBuffer.isView(actual);
  if (typeof expected !== 'object' || expected === null || typeof actual !== 'object' || actual === null)
    return expected === actual;
  const names = Object.keys(expected);
  return (
    names.length === Object.keys(actual).length &&
    names.every(
      (name) =>
        name === 'provider' ||
        resultsAgree((expected as Record<string, unknown>)[name], (actual as Record<string, unknown>)[name]),
    )
  );
}
