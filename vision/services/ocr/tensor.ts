/** Packs RGB images into the planar BGR tensors that the models were trained on. */
import { Tensor } from 'onnxruntime-node';
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

/** @returns [N,3,height,width]; images narrower than `width` are followed by zeros. */
export function toTensor(
  images: readonly DecodedImage[],
  width: number,
  height: number,
  { scale, shift }: Normalisation,
): Tensor {
  const plane = width * height;
  const values = new Float32Array(images.length * 3 * plane);
  for (const [n, image] of images.entries()) {
    for (let channel = 0; channel < 3; channel++) {
      const [factor, offset] = [scale[channel]!, shift[channel]!];
      const source = 2 - channel;
      for (let y = 0; y < height; y++) {
        const to = (n * 3 + channel) * plane + y * width;
        const from = y * image.width * 3 + source;
        for (let x = 0; x < image.width; x++) values[to + x] = image.data[from + x * 3]! * factor + offset;
      }
    }
  }
  return new Tensor('float32', values, [images.length, 3, height, width]);
}
