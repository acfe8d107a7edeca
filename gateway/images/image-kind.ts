/** Which of the accepted kinds a file is, by its first bytes: what the sender says of it does not count. */

/** IANA media types of the accepted kinds, the order in which they are listed to clients. */
export const ACCEPTED_IMAGES = [
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/avif',
  'image/tiff',
  'image/gif',
] as const;
export type ImageMediaType = (typeof ACCEPTED_IMAGES)[number];

/** So many bytes of a file decide what it is. */
export const SIGNATURE_BYTES = 12;

/** AVIF still and sequence, and the structural brands that encoders also put first; the codec is checked on decoding. */
const AVIF_BRANDS = ['avif', 'avis', 'mif1', 'msf1'];

/** @param bytes the beginning of a file; undefined where it is none of the accepted kinds or too short to tell */
export function imageKind(bytes: Uint8Array): ImageMediaType | undefined {
  if (bytes.byteLength < SIGNATURE_BYTES) return undefined;
  const latin1 = Buffer.from(bytes.buffer, bytes.byteOffset, SIGNATURE_BYTES).toString('latin1');
  if (latin1.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (latin1.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (latin1.startsWith('RIFF') && latin1.endsWith('WEBP')) return 'image/webp';
  if (latin1.slice(4, 8) === 'ftyp' && AVIF_BRANDS.includes(latin1.slice(8, 12))) return 'image/avif';
  if (latin1.startsWith('II*\0') || latin1.startsWith('MM\0*')) return 'image/tiff';
  if (latin1.startsWith('GIF87a') || latin1.startsWith('GIF89a')) return 'image/gif';
  return undefined;
}
