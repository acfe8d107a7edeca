import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { sampleImage } from '../testing/sample-image.ts';
import { readImageHeader, restrictLoaders, TooManyPixelsError, UnreadableImageError } from './image-header.ts';
import { ACCEPTED_IMAGES } from './image-kind.ts';

const LIMIT = 50_000_000;

// As the gateway does at its start; encoders are not affected.
beforeAll(() => restrictLoaders());

test.each(ACCEPTED_IMAGES)('reads the size of a %s', async (mediaType) => {
  const image = await sampleImage(mediaType, 41, 29);
  expect(await readImageHeader(image, LIMIT)).toEqual({ mediaType, width: 41, height: 29 });
});

test('of an animation the first frame counts', async () => {
  const frames = await sharp({ create: { width: 10, height: 60, channels: 3, background: 'red', pageHeight: 20 } })
    .gif()
    .toBuffer();
  expect(await readImageHeader(frames, 10 * 20)).toEqual({ mediaType: 'image/gif', width: 10, height: 20 });
});

test('the size is the stored one, whatever EXIF says of the orientation', async () => {
  const turned = await sharp(await sampleImage('image/jpeg', 40, 30))
    .withMetadata({ orientation: 6 })
    .toBuffer();
  expect(await readImageHeader(turned, LIMIT)).toMatchObject({ width: 40, height: 30 });
});

describe('what is refused', () => {
  test.each<[string, string | Buffer]>([
    ['text', 'this is no image at all'],
    ['an SVG', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'],
    ['a PDF', '%PDF-1.7 0123456789'],
    ['the first bytes of a JPEG alone', Buffer.from('ffd8ffe000104a46494600010100', 'hex')],
    [
      'a PNG signature before other things',
      Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(64)]),
    ],
    ['less than a signature', Buffer.from([0xff, 0xd8, 0xff])],
    ['nothing', Buffer.alloc(0)],
  ])('%s', async (_name, content) => {
    await expect(readImageHeader(Buffer.from(content), LIMIT)).rejects.toThrow(UnreadableImageError);
  });

  test('a header cut in two', async () => {
    for (const mediaType of ACCEPTED_IMAGES) {
      const image = await sampleImage(mediaType);
      await expect(readImageHeader(image.subarray(0, 20), LIMIT), mediaType).rejects.toThrow(UnreadableImageError);
    }
  });

  test('more pixels than the limit, from the header alone', async () => {
    const image = await sampleImage('image/png', 10, 10);
    expect(await readImageHeader(image, 100)).toMatchObject({ width: 10, height: 10 });
    await expect(readImageHeader(image, 99)).rejects.toThrow(TooManyPixelsError);
    // 65,000 × 65,000 said by the header of a file of a hundred bytes: nothing is allocated for it.
    image.writeUInt32BE(65_000, 16);
    image.writeUInt32BE(65_000, 20);
    image.writeUInt32BE(crc32(image.subarray(12, 29)), 29);
    await expect(readImageHeader(image, LIMIT)).rejects.toThrow(/65000 × 65000 pixels/);
  });
});

function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
