/** How noisy an image is, and the image without most of it. */
import sharp from 'sharp';
import type { DecodedImage } from '../inference/decode.ts';

/** At most so many pixels of a row and rows are looked at: noise is much the same everywhere. */
const LOOKS = 400;

/**
 * The standard deviation of the image's noise, in grey levels (Immerkær, Fast Noise Variance Estimation, 1996): the mean response
 * to the difference of two Laplacians, which knows nothing of even surfaces and straight edges.
 */
export function noiseOf({ data, width, height }: DecodedImage): number {
  if (width < 3 || height < 3) return 0;
  const [stepX, stepY] = [Math.max(1, Math.floor(width / LOOKS)), Math.max(1, Math.floor(height / LOOKS))];
  const at = (x: number, y: number) => data[(y * width + x) * 3 + 1]!;
  let sum = 0;
  let count = 0;
  for (let y = 1; y < height - 1; y += stepY) {
    for (let x = 1; x < width - 1; x += stepX) {
      const corners = at(x - 1, y - 1) + at(x + 1, y - 1) + at(x - 1, y + 1) + at(x + 1, y + 1);
      const sides = at(x, y - 1) + at(x - 1, y) + at(x + 1, y) + at(x, y + 1);
      sum += Math.abs(corners - 2 * sides + 4 * at(x, y));
      count += 1;
    }
  }
  return (Math.sqrt(Math.PI / 2) * sum) / (6 * count);
}

/** @param size side of the window of which the middle value stays */
export async function withoutNoise({ data, width, height }: DecodedImage, size: number): Promise<DecodedImage> {
  const raw = { width, height, channels: 3 } as const;
  return { width, height, data: await sharp(data, { raw, limitInputPixels: false }).median(size).raw().toBuffer() };
}
