/**
 * Puts back the spaces that the recognition model leaves out.
 *
 * It was trained mostly on Chinese, which has none, and drops them where lines are short or words stand close. The
 * pixels still have them: a gap between two characters that is wide beside the other gaps of its line is a space.
 */
import type { DecodedImage } from '../../inference/decode.ts';
import type { Character } from './ctc.ts';
import { inkOfColumns, widestGap } from './ink.ts';

export interface SpaceOptions {
  /** A space is at least this share of the line's height … */
  readonly minWidth: number;
  /** … and exceeds the line's median gap times this … */
  readonly medianFactor: number;
  /** … by this share of the line's height. */
  readonly medianMargin: number;
}

/**
 * The line's text with spaces where its pixels have word gaps.
 * @param columnsPerStep columns of `pixels` for one step of the characters' positions.
 */
export function withWordSpaces(
  characters: readonly Character[],
  pixels: DecodedImage,
  columnsPerStep: number,
  options: SpaceOptions,
): string {
  const ink = inkOfColumns(pixels);
  const gaps = characters.slice(1).map((next, index) => {
    const middle = (character: Character) => ((character.from + character.to) / 2) * columnsPerStep;
    const { from, to } = widestGap(ink, middle(characters[index]!), middle(next));
    return to - from;
  });
  const median = gaps.toSorted((a, b) => a - b)[gaps.length >> 1] ?? 0;
  const least = Math.max(
    options.minWidth * pixels.height,
    options.medianFactor * median + options.medianMargin * pixels.height,
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
