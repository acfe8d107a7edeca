/** Reads the text of lines that were found: which way up each is, then its characters. */
import type { InferenceSession } from 'onnxruntime-node';
import { distance, type Quad } from '../../imaging/geometry.ts';
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

/** Turns the lines that the classifier is sure are upside down. */
export async function turnUpright(
  session: InferenceSession,
  image: DecodedImage,
  quads: readonly Quad[],
  { angle, recognition }: Pick<OcrParameters, 'angle' | 'recognition'>,
): Promise<Quad[]> {
  const upright: Quad[] = [];
  for (let from = 0; from < quads.length; from += recognition.batch) {
    const group = quads.slice(from, from + recognition.batch);
    const crops = group.map((quad) => {
      const width = Math.min(angle.width, lineWidth(quad, recognition.height, recognition.maxWidth));
      return cutOut(image, quad, width, recognition.height);
    });
    const output = await session.run({ x: toTensor(crops, angle.width, recognition.height, SYMMETRIC) });
    const scores = output[session.outputNames[0]!]!.data as Float32Array;
    for (const [index, [a, b, c, d]] of group.entries()) {
      upright.push(scores[index * 2 + 1]! >= angle.threshold ? [c, d, a, b] : [a, b, c, d]);
    }
  }
  return upright;
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
