/**
 * Puts back the spaces that the recognition model leaves out.
 *
 * It was trained mostly on Chinese, which has none, and drops them where lines are short or words stand close. The
 * pixels still have them: a gap between two characters that is wide beside the other gaps of its line is a space.
 */
import { gapsBetween, median } from './ink.ts';
import type { ReadLine } from './recognise.ts';

export interface SpaceOptions {
  /** A space is at least this share of the line's height … */
  readonly minWidth: number;
  /** … and exceeds the line's median gap times this … */
  readonly medianFactor: number;
  /** … by this share of the line's height. */
  readonly medianMargin: number;
}

/** The line's text with spaces where its pixels have word gaps. @param ink of the line's columns */
export function withWordSpaces(
  { characters, pixels, columnsPerStep }: Pick<ReadLine, 'characters' | 'pixels' | 'columnsPerStep'>,
  ink: Float32Array,
  options: SpaceOptions,
): string {
  const gaps = gapsBetween(characters, ink, columnsPerStep).map(({ from, to }) => to - from);
  const least = Math.max(
    options.minWidth * pixels.height,
    options.medianFactor * median(gaps) + options.medianMargin * pixels.height,
  );
  let text = '';
  for (const [index, character] of characters.entries()) {
    text += character.text;
    const next = characters[index + 1];
    if (next !== undefined && gaps[index]! >= least && separable(character.text) && separable(next.text)) text += ' ';
  }
  return text.replace(/ {2,}/g, ' ').trim();
}

/** Scripts that are written without spaces have wide characters, and gaps that mean nothing. */
function separable(character: string): boolean {
  return character.codePointAt(0)! < 0x2e80;
}
