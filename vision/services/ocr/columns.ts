/**
 * Parts columns that stand so close that they were found as one line.
 *
 * A word gap is a fifth to a half of a line's height, also where characters have one width, and what separates two columns is wider.
 * Where a line is parted that should not be, no character is lost: its parts follow each other in reading order.
 */
import { sliceOf } from '../../imaging/geometry.ts';
import type { Character } from './ctc.ts';
import { inkOfColumns, widestGap } from './ink.ts';
import type { ReadLine } from './recognise.ts';

export interface ColumnOptions {
  /** Columns are at least this share of the line's height apart … */
  readonly minWidth: number;
  /** … and the line's median gap times this. */
  readonly medianFactor: number;
}

/** @returns the line itself, or its parts from left to right; all keep the pixels of the whole. */
export function partedAtColumns(line: ReadLine, { minWidth, medianFactor }: ColumnOptions): ReadLine[] {
  const { width, height } = line.pixels;
  const middle = ({ from, to }: Character) => ((from + to) / 2) * line.columnsPerStep;
  // A space that the model saw would halve the gap in which it stands.
  const inked = line.characters.filter(({ text }) => text !== ' ');
  const ink = inkOfColumns(line.pixels);
  const gaps = inked.slice(1).map((next, index) => widestGap(ink, middle(inked[index]!), middle(next)));
  const widths = gaps.map(({ from, to }) => to - from);
  const median = widths.toSorted((a, b) => a - b)[widths.length >> 1] ?? 0;
  const least = Math.max(minWidth * height, medianFactor * median);
  const cuts = gaps.filter((_, index) => widths[index]! >= least).map(({ from, to }) => (from + to) / 2);
  const edges = [0, ...cuts, width];
  return edges.slice(1).map((end, index) => {
    const start = edges[index]!;
    return {
      ...line,
      quad: sliceOf(line.quad, start / width, end / width),
      characters: line.characters.filter((character) => middle(character) >= start && middle(character) < end),
    };
  });
}
