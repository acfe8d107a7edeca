/** Packs RGB images into the planar BGR tensors that the models were trained on. */
import type { Sample } from '../../inference/batcher.ts';
import type { DecodedImage } from '../../inference/decode.ts';

/** Per channel (blue, green, red): tensor value = pixel × scale + shift. */
export interface Normalisation {
  readonly scale: readonly [number, number, number];
  readonly shift: readonly [number, number, number];
}

/** x ÷ 127.5 − 1. */
export const SYMMETRIC: Normalisation = {
  scale: [1 / 127.5, 1 / 127.5, 1 / 127.5],
  shift: [-1, -1, -1],
};

/** @returns [3,height,width]; what lies beyond the image on the right and below is 0. */
export function toSample(image: DecodedImage, width: number, height: number, normalisation: Normalisation): Sample {
  const plane = width * height;
  const data = new Float32Array(3 * plane);
  for (let channel = 0; channel < 3; channel++) {
    const [factor, offset] = [normalisation.scale[channel]!, normalisation.shift[channel]!];
    const source = 2 - channel;
    for (let y = 0; y < image.height; y++) {
      const to = channel * plane + y * width;
      const from = y * image.width * 3 + source;
      for (let x = 0; x < image.width; x++) data[to + x] = image.data[from + x * 3]! * factor + offset;
    }
  }
  return { data, dims: [3, height, width] };
}

/** The first of some ascending lengths that is not below `length`, or the last. */
export function fixedLength(length: number, allowed: readonly number[]): number {
  return allowed.find((candidate) => candidate >= length) ?? allowed.at(-1) ?? length;
}
