import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodeImage, imageKind } from './decode.ts';
import { ImageTooLarge, ImageUndecodable } from './errors.ts';

const gradient = sharp(Buffer.from(Array.from({ length: 40 * 30 * 3 }, (_, i) => i % 251)), {
  raw: { width: 40, height: 30, channels: 3 },
});

describe('decodes', () => {
  test.each(['jpeg', 'png', 'webp', 'avif', 'tiff', 'gif'] as const)('%s', async (kind) => {
    const bytes = await gradient.clone().toFormat(kind).toBuffer();
    expect(imageKind(bytes)).toBe(kind);
    const image = await decodeImage(bytes);
    expect([image.width, image.height, image.data.length]).toEqual([40, 30, 40 * 30 * 3]);
  });

  test('grey, 16 bits a sample, CMYK and palette images to RGB', async () => {
    for (const bytes of [
      await gradient.clone().greyscale().png().toBuffer(),
      await gradient.clone().toColourspace('rgb16').png().toBuffer(),
      await gradient.clone().toColourspace('cmyk').jpeg().toBuffer(),
      await gradient.clone().png({ palette: true }).toBuffer(),
      await gradient.clone().toColourspace('grey16').png().toBuffer(),
    ]) {
      expect((await decodeImage(bytes)).data).toHaveLength(40 * 30 * 3);
    }
  });

  test('transparency over white', async () => {
    const clear = sharp({ create: { width: 2, height: 2, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } });
    expect([...(await decodeImage(await clear.png().toBuffer())).data]).toEqual(new Array(12).fill(255));
  });

  test('EXIF orientation as a person sees it', async () => {
    // Red on the left as stored; orientation 6 says: turn clockwise, so red ends up at the top.
    const red = { create: { width: 16, height: 16, channels: 3, background: '#ff0000' } } as const;
    const stored = sharp({ create: { width: 64, height: 16, channels: 3, background: '#0000ff' } })
      .composite([{ input: red, left: 0, top: 0 }])
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 100 });
    const image = await decodeImage(await stored.toBuffer());
    expect([image.width, image.height]).toEqual([16, 64]);
    expect(image.data[0]).toBeGreaterThan(200);
    expect(image.data[image.data.length - 3]).toBeLessThan(50);
  });

  test('the first page of an animation', async () => {
    const frames = sharp(Buffer.alloc(8 * 16 * 3, 90), { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } });
    const image = await decodeImage(await frames.gif({ loop: 0 }).toBuffer());
    expect([image.width, image.height]).toEqual([8, 8]);
  });
});

describe('refuses', () => {
  test('a small file that would become a huge picture, before any pixel is decoded', async () => {
    await expect(decodeImage(blackPng(14_000, 14_000))).rejects.toBeInstanceOf(ImageTooLarge);
    expect(blackPng(14_000, 14_000).length).toBeLessThan(100_000);
  });

  test('a header that promises more than any limit', async () => {
    await expect(decodeImage(png(100_000, 100_000, Buffer.alloc(10)))).rejects.toSatisfy(
      (error) => error instanceof ImageTooLarge || error instanceof ImageUndecodable,
    );
  });

  test.each(['jpeg', 'png', 'webp', 'tiff', 'gif'] as const)('a truncated %s', async (kind) => {
    const noise = sharp(Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 256)), {
      raw: { width: 64, height: 64, channels: 3 },
    });
    const bytes = await noise.toFormat(kind).toBuffer();
    await expect(decodeImage(bytes.subarray(0, Math.floor(bytes.length * 0.6)))).rejects.toBeInstanceOf(
      ImageUndecodable,
    );
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('not an image at all')],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    ['PDF', Buffer.from('%PDF-1.7 and so on, and so on')],
    ['noise behind a JPEG marker', Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(500, 0x5a)])],
    ['a PNG with noise for content', png(16, 16, Buffer.alloc(40, 0x5a))],
  ])('%s', async (_name, bytes) => {
    await expect(decodeImage(bytes)).rejects.toBeInstanceOf(ImageUndecodable);
  });
});

/** One bit a pixel: compresses about a thousandfold. */
function blackPng(width: number, height: number): Buffer {
  return png(width, height, deflateSync(Buffer.alloc((Math.ceil(width / 8) + 1) * height)));
}

function png(width: number, height: number, content: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, 0, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', content), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(content.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
