/** For tests: small real images of every accepted kind. */
import sharp, { type Sharp } from 'sharp';
import type { ImageMediaType } from '../images/image-kind.ts';

const ENCODERS: Record<ImageMediaType, (image: Sharp) => Sharp> = {
  'image/jpeg': (image) => image.jpeg(),
  'image/png': (image) => image.png(),
  'image/webp': (image) => image.webp(),
  'image/avif': (image) => image.avif({ effort: 0 }),
  'image/tiff': (image) => image.tiff({ compression: 'none' }),
  'image/gif': (image) => image.gif(),
};

export function sampleImage(mediaType: ImageMediaType, width = 40, height = 30): Promise<Buffer> {
  const plain = sharp({ create: { width, height, channels: 3, background: { r: 200, g: 40, b: 90 } } });
  return ENCODERS[mediaType](plain).toBuffer();
}
