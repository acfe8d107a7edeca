/** Scales raw RGB images with libvips, off the calling thread. */
import sharp, { type Sharp } from 'sharp';
import type { DecodedImage } from '../inference/decode.ts';

/** Scales to exactly `width` × `height`, averaging when it shrinks. The same pixels give the same result. */
export async function resize(image: DecodedImage, width: number, height: number): Promise<DecodedImage> {
  if (width === image.width && height === image.height) return image;
  const data = await raw(image).resize(width, height, { fit: 'fill', kernel: 'linear' }).raw().toBuffer();
  return { width, height, data };
}

/** Turns an image by half a circle. */
export async function upsideDown(image: DecodedImage): Promise<DecodedImage> {
  return { ...image, data: await raw(image).rotate(180).raw().toBuffer() };
}

/** Scales to `width` × `height` with a fourth, opaque channel, for readers that ask for RGBA. */
export async function resizeToRgba(image: DecodedImage, width: number, height: number): Promise<Uint8Array> {
  return raw(image).resize(width, height, { fit: 'fill', kernel: 'cubic' }).ensureAlpha().raw().toBuffer();
}

/** A square look at a region of an image, and how to get back: a point of the original is `x / scale + origin.x`. */
export interface View {
  readonly data: Uint8Array;
  /** Pixels of the view for one pixel of the original. */
  readonly scale: number;
  /** Where the view's top left lies in the original; may be outside it. */
  readonly origin: { readonly x: number; readonly y: number };
}

/**
 * Scales a square region to `size` × `size` pixels. What lies outside the image is black.
 * @param region must share at least one pixel with the image; it is rounded to whole pixels.
 */
export async function squareView(
  image: DecodedImage,
  region: { readonly x: number; readonly y: number; readonly side: number },
  size: number,
): Promise<View> {
  const side = Math.max(1, Math.round(region.side));
  const [x, y] = [Math.round(region.x), Math.round(region.y)];
  const scale = size / side;
  const [left, top] = [Math.max(0, x), Math.max(0, y)];
  const [right, bottom] = [Math.min(image.width, x + side), Math.min(image.height, y + side)];
  const width = Math.max(1, Math.round((right - left) * scale));
  const height = Math.max(1, Math.round((bottom - top) * scale));
  const padLeft = Math.min(size - width, Math.round((left - x) * scale));
  const padTop = Math.min(size - height, Math.round((top - y) * scale));
  const data = await raw(image)
    .extract({ left, top, width: right - left, height: bottom - top })
    .resize(width, height, { fit: 'fill', kernel: 'linear' })
    .extend({
      left: padLeft,
      right: size - width - padLeft,
      top: padTop,
      bottom: size - height - padTop,
      background: { r: 0, g: 0, b: 0 },
    })
    .raw()
    .toBuffer();
  return { data, scale, origin: { x, y } };
}

function raw(image: DecodedImage): Sharp {
  // The pixel limit was applied when the image was decoded.
  return sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 }, limitInputPixels: false });
}
