/**
 * Encoded image in, upright sRGB pixels out.
 *
 * Decoding untrusted bytes is where memory and time are lost, so everything here is bounded: kinds by their first
 * bytes, pixels before any are decoded, one page, and time.
 */
import sharp from 'sharp';
import { ImageTooLarge, ImageUndecodable } from './errors.ts';

/** Pixels of one image, as a person sees it (EXIF orientation applied, transparency over white). */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  /** RGB, 8 bits each, rows from the top without padding: width × height × 3 bytes. */
  readonly data: Uint8Array;
}

export interface DecodeLimits {
  /** Width × height. At 3 bytes a pixel the default of 50 million costs 150 MB. */
  readonly maxPixels: number;
  /** Whole seconds of decoding. */
  readonly maxSeconds: number;
}

export const DEFAULT_DECODE_LIMITS: DecodeLimits = { maxPixels: 50_000_000, maxSeconds: 20 };

/** libvips loaders for the kinds that `imageKind` knows; all other loaders are switched off by `restrictLoaders`. */
const LOADERS = ['Jpeg', 'Png', 'Webp', 'Heif', 'Tiff', 'Nsgif'].map((kind) => `VipsForeignLoad${kind}`);

/**
 * Switches off every image loader but those of the accepted kinds, for the whole process: SVG, PDF and others
 * interpret far more than pixels. For a process that does nothing but decode.
 */
export function restrictLoaders(): void {
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: LOADERS });
}

/**
 * Decodes an image. The same bytes give the same pixels.
 * @throws ImageUndecodable when the bytes are no image of an accepted kind, are damaged or take too long.
 * @throws ImageTooLarge when the image has more than `limits.maxPixels` pixels.
 */
export async function decodeImage(
  bytes: Uint8Array,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
): Promise<DecodedImage> {
  if (imageKind(bytes) === undefined) throw new ImageUndecodable('not a JPEG, PNG, WebP, AVIF, TIFF or GIF image');
  try {
    const { data, info } = await sharp(bytes, {
      limitInputPixels: limits.maxPixels,
      pages: 1,
      failOn: 'error',
      autoOrient: true,
    })
      .timeout({ seconds: limits.maxSeconds })
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data: info.channels === 3 ? data : toRgb(data, info.channels) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (/exceeds pixel limit/i.test(message)) {
      throw new ImageTooLarge(`the image has more than ${limits.maxPixels} pixels`);
    }
    throw new ImageUndecodable(message);
  }
}

/** The kind of an image by its first bytes, or undefined for all that is not accepted. */
export function imageKind(bytes: Uint8Array): 'jpeg' | 'png' | 'webp' | 'avif' | 'tiff' | 'gif' | undefined {
  const ascii = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
  if (bytes.length < 12) return undefined;
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'jpeg';
  if (ascii(0, 8) === '\x89PNG\r\n\x1a\n') return 'png';
  if (ascii(0, 4) === 'RIFF' && ascii(8, 12) === 'WEBP') return 'webp';
  if (ascii(4, 8) === 'ftyp' && ['avif', 'avis', 'mif1', 'msf1'].includes(ascii(8, 12))) return 'avif';
  if (ascii(0, 4) === 'II*\0' || ascii(0, 4) === 'MM\0*') return 'tiff';
  if (ascii(0, 6) === 'GIF87a' || ascii(0, 6) === 'GIF89a') return 'gif';
  return undefined;
}

/** Grey (1 channel) to RGB, or drops what comes after the third channel. */
function toRgb(data: Uint8Array, channels: number): Uint8Array {
  const pixels = data.length / channels;
  const rgb = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    const at = i * channels;
    for (let c = 0; c < 3; c++) rgb[i * 3 + c] = data[channels < 3 ? at : at + c] ?? 0;
  }
  return rgb;
}
