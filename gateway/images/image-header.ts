/**
 * Reads the header of an encoded image: that it is one of the accepted kinds, and how large its pixels are.
 *
 * No pixel is decoded here. A header that says 50,000 × 50,000 is refused before anything has been allocated for it.
 */
import sharp, { type Metadata } from 'sharp';
import { ACCEPTED_IMAGES, type ImageMediaType, imageKind } from './image-kind.ts';

export interface ImageHeader {
  readonly mediaType: ImageMediaType;
  /** Stored width in pixels, before EXIF orientation. */
  readonly width: number;
  /** Stored height in pixels of the first frame, before EXIF orientation. */
  readonly height: number;
}

/** The content is no image of an accepted kind, or its header cannot be read. The message is for the sender. */
export class UnreadableImageError extends Error {
  override readonly name = 'UnreadableImageError';
}

/** The image has more pixels than are accepted. */
export class TooManyPixelsError extends Error {
  override readonly name = 'TooManyPixelsError';
  readonly limit: number;
  constructor(width: number, height: number, limit: number) {
    super(`the image has ${width} × ${height} pixels, more than the ${limit} that are accepted`);
    this.limit = limit;
  }
}

const FORMATS: Record<ImageMediaType, string> = {
  'image/jpeg': 'jpeg',
  'image/png': 'png',
  'image/webp': 'webp',
  'image/avif': 'heif',
  'image/tiff': 'tiff',
  'image/gif': 'gif',
};
/** libvips loaders of these formats. */
const LOADERS = ['Jpeg', 'Png', 'Webp', 'Heif', 'Tiff', 'Nsgif'].map((kind) => `VipsForeignLoad${kind}`);

/**
 * Switches off every loader but those of the accepted kinds, for the whole process: SVG, PDF and others interpret far
 * more than pixels. Nothing is kept between images either.
 */
export function restrictLoaders(): void {
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: LOADERS });
  sharp.cache(false);
}

/**
 * @param maxPixels width × height of the first frame
 * @throws {UnreadableImageError}
 * @throws {TooManyPixelsError}
 */
export async function readImageHeader(content: Uint8Array, maxPixels: number): Promise<ImageHeader> {
  const mediaType = imageKind(content);
  if (mediaType === undefined) throw new UnreadableImageError(`the content is none of ${ACCEPTED_IMAGES.join(', ')}`);
  const { format, compression, width, height } = await readMetadata(content, mediaType);
  if (format !== FORMATS[mediaType] || (format === 'heif' && compression !== 'av1'))
    throw new UnreadableImageError(`the content begins like ${mediaType} but is not`);
  if (width * height > maxPixels) throw new TooManyPixelsError(width, height, maxPixels);
  return { mediaType, width, height };
}

async function readMetadata(content: Uint8Array, mediaType: ImageMediaType): Promise<Metadata> {
  try {
    // The limit on pixels is ours to enforce: libvips' own does not say which image it refused.
    return await sharp(content, { limitInputPixels: false, pages: 1 }).metadata();
  } catch (cause) {
    throw new UnreadableImageError(`the content begins like ${mediaType} but its header cannot be read`, { cause });
  }
}
