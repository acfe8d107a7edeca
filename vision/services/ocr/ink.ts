/** Where a line's pixels have ink and where they have none. */
import type { DecodedImage } from '../../inference/decode.ts';
import type { Character } from './ctc.ts';

/** Share of the line's contrast from which a column has ink. */
const INK = 0.3;

/** Columns of a line's pixels without ink, from `from` to before `to`. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** For each column how strongly its third strongest pixel differs from the background: 0 not at all, 1 as text does. */
export function inkOfColumns({ data, width, height }: DecodedImage): Float32Array {
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
    // The third strongest, so that a speck of noise is not a stroke.
    let [first, second, third] = [0, 0, 0];
    for (let y = margin; y < height - margin; y++) {
      const difference = darkText ? background! - grey[y * width + x]! : grey[y * width + x]! - background!;
      if (difference > first) [first, second, third] = [difference, first, second];
      else if (difference > second) [second, third] = [difference, second];
      else if (difference > third) third = difference;
    }
    ink[x] = third / contrast;
  }
  return ink;
}

/** The widest gap between each character and the next. @param columnsPerStep columns for one step of the characters' positions */
export function gapsBetween(characters: readonly Character[], ink: Float32Array, columnsPerStep: number): Gap[] {
  const middles = characters.map((character) => middleOf(character, columnsPerStep));
  return middles.slice(1).map((next, index) => widestGap(ink, middles[index]!, next));
}

/** The column in which a character has its middle. */
export function middleOf({ from, to }: Character, columnsPerStep: number): number {
  return ((from + to) / 2) * columnsPerStep;
}

/** Of nothing it is 0. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** The widest gap that begins and ends between two columns; an empty one where there is none. */
function widestGap(ink: Float32Array, from: number, to: number): Gap {
  let widest: Gap = { from: 0, to: 0 };
  let start = Math.floor(from);
  for (let x = start; x < Math.min(to, ink.length); x++) {
    if (ink[x]! >= INK) start = x + 1;
    else if (x + 1 - start > widest.to - widest.from) widest = { from: start, to: x + 1 };
  }
  return widest;
}

function quantile(histogram: Uint32Array, count: number): number {
  let seen = 0;
  for (const [value, pixels] of histogram.entries()) {
    seen += pixels;
    if (seen >= count) return value;
  }
  return histogram.length - 1;
}
