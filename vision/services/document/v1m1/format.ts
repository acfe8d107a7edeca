/** Tells by a document's proportions which common format it may have. */

/** Longer over shorter side. ISO/IEC 7810, ISO 216, ANSI. */
const FORMATS: readonly (readonly [name: string, ratio: number])[] = [
  ['ID-1', 85.6 / 53.98],
  ['A', Math.SQRT2],
  ['Letter', 11 / 8.5],
];
/** Share by which the ratio of an outline that is seen askew may be off. */
const TOLERANCE = 0.04;

/** @returns the format that fits best, or '' where none does. */
export function formatOf(aspectRatio: number): string {
  const [name, ratio] = FORMATS.reduce((best, candidate) =>
    Math.abs(candidate[1] - aspectRatio) < Math.abs(best[1] - aspectRatio) ? candidate : best,
  );
  return Math.abs(ratio / aspectRatio - 1) <= TOLERANCE ? name : '';
}
