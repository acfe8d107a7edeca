import { compressFrame } from 'lz4-napi';
import { compress } from 'snappy';
import { describe, expect, test } from 'vitest';
import { decompressLz4, decompressSnappy } from './read-only-codecs.ts';

const MIB = 1 << 20;
const text = Buffer.from('an envelope '.repeat(20_000));

describe('snappy', () => {
  test('one bare block, as librdkafka sends it', async () => {
    expect(await decompressSnappy(await compress(text), MIB)).toEqual(text);
  });

  test('framed blocks, as the Java client sends them', async () => {
    const halves = [text.subarray(0, 100_000), text.subarray(100_000)];
    expect(await decompressSnappy(await xerial(halves), MIB)).toEqual(text);
  });

  test('a block that would be too large is refused before anything is allocated', async () => {
    const claim = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]);
    await expect(decompressSnappy(claim, MIB)).rejects.toThrow('4294967295 bytes');
  });

  test.each([
    ['a frame cut within a block', async () => (await xerial([text])).subarray(0, 200)],
    ['nothing', async () => Buffer.alloc(0)],
    ['a length without an end', async () => Buffer.alloc(6, 0xff)],
  ])('%s is refused', async (_what, data) => {
    await expect(decompressSnappy(await data(), MIB)).rejects.toThrow(RangeError);
  });
});

describe('lz4', () => {
  test('a frame of several blocks', async () => {
    expect(await decompressLz4(await compressFrame(text), MIB)).toEqual(text);
  });

  test('a frame that could be too large is refused', async () => {
    await expect(decompressLz4(await compressFrame(Buffer.alloc(8 * MIB)), MIB)).rejects.toThrow(RangeError);
  });

  test('a frame cut short is refused', async () => {
    const frame = await compressFrame(text);
    await expect(decompressLz4(frame.subarray(0, frame.length - 5), MIB)).rejects.toThrow(RangeError);
  });

  test('a damaged frame is refused', async () => {
    const frame = Buffer.from(await compressFrame(text));
    frame[5] = 0;
    await expect(decompressLz4(frame, MIB)).rejects.toThrow();
  });
});

async function xerial(blocks: readonly Buffer[]): Promise<Buffer> {
  const framed = await Promise.all(
    blocks.map(async (block) => {
      const compressed = await compress(block);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(compressed.length);
      return [length, compressed];
    }),
  );
  return Buffer.concat([Buffer.from('\x82SNAPPY\0\0\0\0\x01\0\0\0\x01', 'latin1'), ...framed.flat()]);
}
