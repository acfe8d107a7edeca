/** Finds where text lines are in an image. */
import { corners, type Quad, type RotatedRect } from '../../imaging/geometry.ts';
import { resize } from '../../imaging/resize.ts';
import type { DecodedImage } from '../../inference/decode.ts';
import type { ModelSession } from '../../inference/model-session.ts';
import type { Provider } from '../../inference/session.ts';
import type { OcrParameters } from './parameters.ts';
import { fixedLength, toSample } from './tensor.ts';
import { textRegions } from './text-regions.ts';

type Parameters = OcrParameters['detection'];

/** The model halves its input five times. */
const MULTIPLE = 32;

/**
 * @returns one quadrilateral per line, in pixels of the image, beginning where the text does if it runs to the
 * right or steeply up or down; whether it is upside down is not known yet.
 */
export async function detectLines(
  detector: ModelSession,
  image: DecodedImage,
  parameters: Parameters,
): Promise<Quad[]> {
  const { width, height } = detectionSize(image, parameters);
  const scaled = await resize(image, width, height);
  const [seenWidth, seenHeight] = [width, height].map((side) => seenSide(side, detector, parameters)) as [
    number,
    number,
  ];
  const output = await detector.infer(toSample(scaled, seenWidth, seenHeight, normalisation(parameters)));
  const map = Object.values(output)[0]!.data;
  const [fx, fy] = [image.width / width, image.height / height];
  return textRegions(map, seenWidth, seenHeight, parameters).map((rect) => {
    const [a, b, c, d] = alongText(rect).map(({ x, y }) => ({ x: x * fx, y: y * fy }));
    return [a!, b!, c!, d!];
  });
}

/** A GPU prepares anew for every shape, so it gets to see few; a CPU would only compute what lies beyond the image. */
function seenSide(side: number, { provider }: ModelSession, { fixedSides }: Parameters): number {
  return provider === 'cpu' ? side : fixedLength(side, fixedSides);
}

/** Shapes of the model's input to be ready for. */
export function detectionShapes(provider: Provider, { fixedSides }: Pick<Parameters, 'fixedSides'>): number[][] {
  const sides = provider === 'cpu' ? fixedSides.slice(0, 1) : fixedSides;
  return sides.flatMap((height) => sides.map((width) => [3, height, width]));
}

/** The size at which the model sees the image: small pages enlarged, large ones reduced, sides multiples of 32. */
export function detectionSize(
  image: { readonly width: number; readonly height: number },
  { shortSide, longSide, maxEnlargement }: Pick<Parameters, 'shortSide' | 'longSide' | 'maxEnlargement'>,
): { width: number; height: number } {
  const [short, long] = [Math.min(image.width, image.height), Math.max(image.width, image.height)];
  const enlarge = Math.min(maxEnlargement, Math.max(1, shortSide / short));
  const scale = Math.min(enlarge, longSide / long);
  const side = (length: number) => Math.max(MULTIPLE, Math.round((length * scale) / MULTIPLE) * MULTIPLE);
  return { width: side(image.width), height: side(image.height) };
}

function normalisation({ mean, deviation }: Parameters) {
  const each = <T>(compute: (channel: 0 | 1 | 2) => T): [T, T, T] => [compute(0), compute(1), compute(2)];
  return {
    scale: each((channel) => 1 / (255 * deviation[channel])),
    shift: each((channel) => -mean[channel] / deviation[channel]),
  };
}

/** Corners from the top left of the text. A steep rectangle is a turned line if it is long, else a short upright word. */
function alongText(rect: RotatedRect): Quad {
  const steep = Math.abs(rect.angle) > Math.PI / 4;
  if (!steep || rect.length >= 1.5 * rect.breadth) return corners(rect);
  const angle = rect.angle > 0 ? rect.angle - Math.PI / 2 : rect.angle + Math.PI / 2;
  return corners({ ...rect, angle, length: rect.breadth, breadth: rect.length });
}
