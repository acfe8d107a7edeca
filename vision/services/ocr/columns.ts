/**
 * Parts columns that stand so close that they were found as one line.
 *
 * A word gap is a fifth to a half of a line's height, or a little more where all characters have one width, and what separates two
 * columns is wider.
 * Where a line is parted that should not be, no character is lost: its parts follow each other in reading order.
 */
import { sliceOf } from '../../imaging/geometry.ts';
import { gapsBetween, median, middleOf } from './ink.ts';
import type { ReadLine } from './recognise.ts';

export interface ColumnOptions {
  /** Columns are at least this share of the line's height apart … */
  readonly minWidth: number;
  /** … and the line's median gap times this, … */
  readonly medianFactor: number;
  /** … and the median of its word gaps times this. */
  readonly wordFactor: number;
}

/** Share of the line's height above which a gap is hardly one between two letters. */
const WORD_GAP = 0.3;

/**
 * @param ink of the line's columns
 * @returns the line itself, or its parts from left to right; all keep the pixels, and with them the ink, of the whole
 */
export function partedAtColumns(line: ReadLine, ink: Float32Array, options: ColumnOptions): ReadLine[] {
  const { width, height } = line.pixels;
  // A space that the model saw would halve the gap in which it stands.
  const inked = line.characters.filter(({ text }) => text !== ' ');
  const gaps = gapsBetween(inked, ink, line.columnsPerStep);
  const widths = gaps.map(({ from, to }) => to - from);
  const wide = options.minWidth * height;
  const between = widths.filter((gap) => gap > WORD_GAP * height && gap < wide);
  const least = Math.max(wide, options.medianFactor * median(widths), options.wordFactor * median(between));
  const cuts = gaps.filter((_, index) => widths[index]! >= least).map(({ from, to }) => (from + to) / 2);
  const edges = [0, ...cuts, width];
  return edges.slice(1).map((end, index) => {
    const start = edges[index]!;
    return {
      ...line,
      quad: sliceOf(line.quad, start / width, end / width),
      characters: line.characters.filter((character) => {
        const middle = middleOf(character, line.columnsPerStep);
        return middle >= start && middle < end;
      }),
    };
  });
}
