/** What happens to pictures on their way: turning, blurring, shrinking, noise, compression, dim light, perspective. */
import sharp, { type Sharp } from 'sharp';
import type { Point } from '../imaging/geometry.ts';
import type { DecodedImage } from '../inference/decode.ts';
import { type LabelledPixels, moveLabels, quadOf } from './labelled-image.ts';
import { normal } from './normal.ts';
import { place } from './place.ts';

export interface Condition {
  readonly name: string;
  readonly apply: (image: LabelledPixels, random: () => number) => Promise<LabelledPixels>;
}

export const CONDITIONS: readonly Condition[] = [
  { name: 'clean', apply: async (image) => image },
  { name: 'turned 3°', apply: async (image) => turn(image, 3) },
  { name: 'turned −12°', apply: async (image) => turn(image, -12) },
  { name: 'turned 30°', apply: async (image) => turn(image, 30) },
  { name: 'turned 90°', apply: async (image) => turn(image, 90) },
  { name: 'turned 180°', apply: async (image) => turn(image, 180) },
  { name: 'blur 1.5', apply: (image) => filtered(image, (pixels) => pixels.blur(1.5)) },
  { name: 'blur 2.5', apply: (image) => filtered(image, (pixels) => pixels.blur(2.5)) },
  { name: 'JPEG 25', apply: (image) => recompressed(image, 25) },
  { name: 'JPEG 8', apply: (image) => recompressed(image, 8) },
  { name: 'noise 25', apply: async (image, random) => noisy(image, 25, random) },
  { name: 'noise 50', apply: async (image, random) => noisy(image, 50, random) },
  { name: 'half size', apply: (image) => scaled(image, 0.5) },
  { name: 'third size', apply: (image) => scaled(image, 1 / 3) },
  { name: 'dim', apply: (image) => filtered(image, (pixels) => pixels.linear(0.22, 6)) },
  { name: 'perspective', apply: async (image, random) => perspective(image, 0.1, random) },
  {
    // As a telephone takes it: askew, a little unsharp, noisy, compressed.
    name: 'snapshot',
    apply: async (image, random) => {
      const askew = perspective(image, 0.06, random);
      const soft = await filtered(askew, (pixels) => pixels.blur(0.9));
      return recompressed(noisy(soft, 10, random), 55);
    },
  },
];

/** Clockwise, onto a grey ground that is large enough. */
function turn(image: LabelledPixels, degrees: number): LabelledPixels {
  const { width, height } = image.pixels;
  const angle = (degrees * Math.PI) / 180;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const full = {
    width: Math.ceil(Math.abs(width * c) + Math.abs(height * s) - 1e-6),
    height: Math.ceil(Math.abs(width * s) + Math.abs(height * c) - 1e-6),
  };
  const turned = ({ x, y }: Point): Point => {
    const [dx, dy] = [x - width / 2, y - height / 2];
    return { x: full.width / 2 + dx * c - dy * s, y: full.height / 2 + dx * s + dy * c };
  };
  const [a, b, d, e] = quadOf({ x: 0, y: 0, width, height });
  return place(image, ground(full.width, full.height), [turned(a), turned(b), turned(d), turned(e)]);
}

/** Each corner moves inwards by up to `most` of the side. */
function perspective(image: LabelledPixels, most: number, random: () => number): LabelledPixels {
  const { width, height } = image.pixels;
  const margin = 0.05;
  const inset = () => ({ x: (margin + random() * most) * width, y: (margin + random() * most) * height });
  const [a, b, c, d] = [inset(), inset(), inset(), inset()];
  return place(image, ground(width, height), [
    { x: a.x, y: a.y },
    { x: width - b.x, y: b.y },
    { x: width - c.x, y: height - c.y },
    { x: d.x, y: height - d.y },
  ]);
}

async function scaled(image: LabelledPixels, factor: number): Promise<LabelledPixels> {
  const width = Math.round(image.pixels.width * factor);
  const height = Math.round(image.pixels.height * factor);
  const data = await raw(image.pixels).resize(width, height, { fit: 'fill', kernel: 'linear' }).raw().toBuffer();
  const [fx, fy] = [width / image.pixels.width, height / image.pixels.height];
  return {
    pixels: { width, height, data },
    labels: moveLabels(image.labels, ({ x, y }) => ({ x: x * fx, y: y * fy })),
  };
}

async function filtered(image: LabelledPixels, filter: (pixels: Sharp) => Sharp): Promise<LabelledPixels> {
  const data = await filter(raw(image.pixels)).raw().toBuffer();
  return { ...image, pixels: { ...image.pixels, data } };
}

async function recompressed(image: LabelledPixels, quality: number): Promise<LabelledPixels> {
  const jpeg = await raw(image.pixels).jpeg({ quality }).toBuffer();
  return { ...image, pixels: { ...image.pixels, data: await sharp(jpeg).raw().toBuffer() } };
}

function noisy(image: LabelledPixels, deviation: number, random: () => number): LabelledPixels {
  const next = normal(random);
  const data = Uint8Array.from(image.pixels.data, (value) =>
    Math.max(0, Math.min(255, Math.round(value + deviation * next()))),
  );
  return { ...image, pixels: { ...image.pixels, data } };
}

function ground(width: number, height: number): DecodedImage {
  return { width, height, data: new Uint8Array(width * height * 3).fill(120) };
}

function raw({ data, width, height }: DecodedImage): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}
