import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { compress, decompress } from './compression.ts';

const image = Buffer.concat([Buffer.alloc(20_000), randomBytes(300_000)]);
const text = Buffer.from(JSON.stringify(Array.from({ length: 5000 }, (_, n) => ({ id: n, label: `face ${n % 7}` }))));

test.each(['gzip', 'zstd'] as const)(
  '%s leaves a large image as it is, and shrinks texts of any length',
  async (name) => {
    const left = await compress(image, name);
    expect(left.code).toBe(0);
    expect(left.data).toBe(image);
    for (const bytes of [100, 10_000, text.length]) {
      const plain = text.subarray(0, bytes);
      const { code, data } = await compress(plain, name);
      expect(data.length).toBeLessThan(plain.length);
      expect(plain.equals(await decompress(data, code))).toBe(true);
    }
  },
);

test('a batch of texts and images is shrunk where the texts are worth it', async () => {
  const mixed = Buffer.concat([randomBytes(100_000), text]);
  const { code, data } = await compress(mixed, 'zstd');
  expect(data.length).toBeLessThan(150_000);
  expect(mixed.equals(await decompress(data, code))).toBe(true);
});
