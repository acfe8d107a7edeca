/** Reads the text of lines that were found: which way up each is, then its characters. */
import { distance, type Quad, sliceOf } from '../../imaging/geometry.ts';
import { cutOut } from '../../imaging/warp.ts';
import { atMost } from '../../inference/at-most.ts';
import type { DecodedImage } from '../../inference/decode.ts';
import type { ModelSession } from '../../inference/model-session.ts';
import type { Provider } from '../../inference/session.ts';
import { type Character, decodeCtc } from './ctc.ts';
import type { OcrParameters } from './parameters.ts';
import { fixedLength, SYMMETRIC, toSample } from './tensor.ts';

export interface ReadLine {
  /** Beginning where the first character does. */
  readonly quad: Quad;
  readonly characters: readonly Character[];
  /** The line's upright pixels, and how many of its columns are one CTC step. */
  readonly pixels: DecodedImage;
  readonly columnsPerStep: number;
}

/** A line the right way up, as far as the classifier knows. */
export interface UprightLine {
  readonly quad: Quad;
  readonly wasTurned: boolean;
}

/**
 * Turns the lines that are upside down.
 *
 * The classifier sees the middle of a line at the line's own shape. Squeezing a long line into its input, as the
 * model's authors do, makes it guess: it then turns long upright lines with a score of 0.94.
 */
export async function turnUpright(
  classifier: ModelSession,
  image: DecodedImage,
  quads: readonly Quad[],
  { angle, recognition }: Pick<OcrParameters, 'angle' | 'recognition'>,
): Promise<UprightLine[]> {
  return atMost(classifier.askAtOnce, quads, async (quad) => {
    const width = lineWidth(quad, recognition.height, Number.POSITIVE_INFINITY);
    const seen = Math.min(angle.width, width);
    const margin = (1 - seen / width) / 2;
    const crop = cutOut(image, sliceOf(quad, margin, 1 - margin), seen, recognition.height);
    const output = await classifier.infer(toSample(crop, angle.width, recognition.height, SYMMETRIC));
    const wasTurned = Object.values(output)[0]!.data[1]! >= angle.threshold;
    return { quad: wasTurned ? turned(quad) : quad, wasTurned };
  });
}

export function turned([a, b, c, d]: Quad): Quad {
  return [c, d, a, b];
}

/** Reads lines, each at its own width or, on a GPU, at the next of a few. @returns in the order of `quads`. */
export async function readLines(
  reader: ModelSession,
  image: DecodedImage,
  quads: readonly Quad[],
  classes: readonly string[],
  { recognition }: Pick<OcrParameters, 'recognition'>,
): Promise<ReadLine[]> {
  const { height, maxWidth, fixedWidths } = recognition;
  const sized = quads.map((quad, index) => {
    const needed = lineWidth(quad, height, maxWidth);
    return { quad, index, needed, width: reader.provider === 'cpu' ? needed : fixedLength(needed, fixedWidths) };
  });
  const lines: ReadLine[] = new Array(quads.length);
  // Lines of one width follow each other, so that they can run together.
  const byWidth = sized.toSorted((a, b) => a.width - b.width);
  await atMost(reader.askAtOnce, byWidth, async ({ quad, index, needed, width }) => {
    const pixels = cutOut(image, quad, needed, height);
    const { data, dims } = Object.values(await reader.infer(toSample(pixels, width, height, SYMMETRIC)))[0]!;
    const steps = dims[0]!;
    lines[index] = { quad, characters: decodeCtc(data, steps, classes), pixels, columnsPerStep: width / steps };
  });
  return lines;
}

/** Shapes of the model's input to be ready for. */
export function recognitionShapes(
  provider: Provider,
  { height, fixedWidths }: OcrParameters['recognition'],
): number[][] {
  return (provider === 'cpu' ? fixedWidths.slice(0, 1) : fixedWidths).map((width) => [3, height, width]);
}

/** Pixels that a line needs at the model's height to keep its shape. */
function lineWidth(quad: Quad, height: number, maxWidth: number): number {
  const [a, b, c, d] = quad;
  const length = (distance(a, b) + distance(d, c)) / 2;
  const breadth = Math.max(1, (distance(a, d) + distance(b, c)) / 2);
  return Math.min(maxWidth, Math.max(height / 2, Math.round((height * length) / breadth)));
}
