/**
 * Puts back the spaces that the recognition model leaves out.
 *
 * It was trained mostly on Chinese, which has none, and drops them where lines are short or words stand close. The
 * pixels still have them: a gap between two characters that is wide beside the other gaps of its line is a space.
 */
import type { DecodedImage } from '../../inference/decode.ts';
import type { Character } from './ctc.ts';

export interface SpaceOptions {
  /** A space is at least this share of the line's height … */
  readonly minWidth: number;
  /** … and exceeds the line's median gap times this … */
  readonly medianFactor: number;
  /** … by this share of the line's height. */
  readonly medianMargin: number;
}

/** Share of the line's contrast from which a column has ink. */
const INK = 0.3;

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
    return widestGap(ink, middle(characters[index]!), middle(next));
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

/** For each column how strongly its third strongest pixel differs from the background: 0 not at all, 1 as text does. */
function inkOfColumns({ data, width, height }: DecodedImage): Float32Array {
  const grey = new Uint8Array(width * height);
  const histogram = new Uint32Array(256);
  for (let i = 0; i < grey.length; i++) {
    const value = Math.round(0.299 * data[i * 3]! + 0.587 * data[i * 3 + 1]! + 0.114 * data[i * 3 + 2]!);
    grey[i] = value;
    histogram[value] = histogram[value]! + 1;
  }
  const [dark, background, light] = [0.02, 0.5, 0.98].map((share) => quantile(histogram, share * grey.length));
  const darkText = background! - dark! > light! - background!;
  const contrast = Math.max(1, darkText ? background! - dark! : light! - background!);
  const ink = new Float32Array(width);
  // The outermost rows belong to the neighbouring lines as often as to this one.
  const margin = Math.round(height / 16);
  for (let x = 0; x < width; x++) {
    const strongest = [0, 0, 0];
    for (let y = margin; y < height - margin; y++) {
      const difference = darkText ? background! - grey[y * width + x]! : grey[y * width + x]! - background!;
      if (difference <= strongest[2]!) continue;
      strongest[2] = difference;
      strongest.sort((a, b) => b - a);
    }
    // The third strongest, so that a speck of noise is not a stroke.
    ink[x] = strongest[2]! / contrast;
  }
  return ink;
}

function quantile(histogram: Uint32Array, count: number): number {
  let seen = 0;
  for (const [value, pixels] of histogram.entries()) {
    seen += pixels;
    if (seen >= count) return value;
  }
  return histogram.length - 1;
}

function widestGap(ink: Float32Array, from: number, to: number): number {
  let widest = 0;
  let run = 0;
  for (let x = Math.floor(from); x < Math.min(to, ink.length); x++) {
    run = ink[x]! < INK ? run + 1 : 0;
    widest = Math.max(widest, run);
  }
  return widest;
}
