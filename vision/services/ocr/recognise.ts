/** Reads the text of lines that were found: which way up each is, then its characters. */
import type { InferenceSession } from 'onnxruntime-node';
import { distance, type Point, type Quad } from '../../imaging/geometry.ts';
import { cutOut } from '../../imaging/warp.ts';
import type { DecodedImage } from '../../inference/decode.ts';
import { type Character, decodeCtc } from './ctc.ts';
import type { OcrParameters } from './parameters.ts';
import { SYMMETRIC, toTensor } from './tensor.ts';

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
  session: InferenceSession,
  image: DecodedImage,
  quads: readonly Quad[],
  { angle, recognition }: Pick<OcrParameters, 'angle' | 'recognition'>,
): Promise<UprightLine[]> {
  const upright: UprightLine[] = [];
  for (let from = 0; from < quads.length; from += recognition.batch) {
    const group = quads.slice(from, from + recognition.batch);
    const crops = group.map((quad) => {
      const width = lineWidth(quad, recognition.height, Number.POSITIVE_INFINITY);
      const seen = Math.min(angle.width, width);
      return cutOut(image, middle(quad, seen / width), seen, recognition.height);
    });
    const output = await session.run({ x: toTensor(crops, angle.width, recognition.height, SYMMETRIC) });
    const scores = output[session.outputNames[0]!]!.data as Float32Array;
    for (const [index, quad] of group.entries()) {
      const wasTurned = scores[index * 2 + 1]! >= angle.threshold;
      upright.push({ quad: wasTurned ? turned(quad) : quad, wasTurned });
    }
  }
  return upright;
}

export function turned([a, b, c, d]: Quad): Quad {
  return [c, d, a, b];
}

/** The middle `share` of a line. */
function middle([a, b, c, d]: Quad, share: number): Quad {
  const between = (from: Point, to: Point, at: number): Point => ({
    x: from.x + (to.x - from.x) * at,
    y: from.y + (to.y - from.y) * at,
  });
  const [start, end] = [(1 - share) / 2, (1 + share) / 2];
  return [between(a, b, start), between(a, b, end), between(d, c, end), between(d, c, start)];
}

/** Reads lines in groups of similar width, each padded to the widest of its group. @returns in the order of `quads`. */
export async function readLines(
  session: InferenceSession,
  image: DecodedImage,
  quads: readonly Quad[],
  classes: readonly string[],
  { recognition }: Pick<OcrParameters, 'recognition'>,
): Promise<ReadLine[]> {
  const { height, maxWidth, batch } = recognition;
  const lines: ReadLine[] = [];
  const byWidth = quads
    .map((quad, index) => ({ quad, index, width: lineWidth(quad, height, maxWidth) }))
    .sort((a, b) => a.width - b.width);
  for (let from = 0; from < byWidth.length; from += batch) {
    const group = byWidth.slice(from, from + batch);
    const crops = group.map(({ quad, width }) => cutOut(image, quad, width, height));
    const width = Math.max(...group.map((line) => line.width));
    const output = await session.run({ x: toTensor(crops, width, height, SYMMETRIC) });
    const tensor = output[session.outputNames[0]!]!;
    const steps = tensor.dims[1]!;
    const perLine = steps * (classes.length + 1);
    for (const [n, { quad, index }] of group.entries()) {
      const probabilities = (tensor.data as Float32Array).subarray(n * perLine, (n + 1) * perLine);
      const characters = decodeCtc(probabilities, steps, classes);
      lines[index] = { quad, characters, pixels: crops[n]!, columnsPerStep: width / steps };
    }
  }
  return lines;
}

/** Pixels that a line needs at the model's height to keep its shape. */
function lineWidth(quad: Quad, height: number, maxWidth: number): number {
  const [a, b, c, d] = quad;
  const length = (distance(a, b) + distance(d, c)) / 2;
  const breadth = Math.max(1, (distance(a, d) + distance(b, c)) / 2);
  return Math.min(maxWidth, Math.max(height / 2, Math.round((height * length) / breadth)));
}
