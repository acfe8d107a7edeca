/** The labels must follow the picture, or every score under a condition is wrong. */
import { expect, test } from 'vitest';
import { seeded } from '../../protocol/seeded-random.ts';
import type { DecodedImage } from '../inference/decode.ts';
import { CONDITIONS } from './conditions.ts';
import { boundsOf, NO_LABELS, quadOf } from './labelled-image.ts';

/** White, with a red block that is labelled as a face. */
function picture() {
  const pixels = { width: 240, height: 160, data: new Uint8Array(240 * 160 * 3).fill(255) };
  const block = { x: 150, y: 30, width: 60, height: 40 };
  for (let y = block.y; y < block.y + block.height; y++) {
    for (let x = block.x; x < block.x + block.width; x++) pixels.data.set([230, 20, 20], (y * 240 + x) * 3);
  }
  return { pixels, labels: { ...NO_LABELS, faces: [quadOf(block)] } };
}

/** Around all pixels that are rather red. */
function redBounds({ data, width, height }: DecodedImage) {
  const xs: number[] = [];
  const ys: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [r, g] = [data[(y * width + x) * 3]!, data[(y * width + x) * 3 + 1]!];
      if (r - g < Math.max(20, 0.4 * r)) continue;
      xs.push(x);
      ys.push(y);
    }
  }
  return { x: xs, y: ys };
}

/** Noise makes pixels red that are not; its labels do not move anyway. */
const visible = CONDITIONS.filter(({ name }) => !name.startsWith('noise') && name !== 'snapshot' && name !== 'JPEG 8');

test.each(visible.map((condition) => [condition.name, condition] as const))('%s', async (_name, condition) => {
  const { pixels, labels } = await condition.apply(picture(), seeded(7));
  expect(pixels.data).toHaveLength(pixels.width * pixels.height * 3);
  const label = boundsOf(labels.faces[0]!);
  const red = redBounds(pixels);
  expect(Math.abs(Math.min(...red.x) - label.x)).toBeLessThan(5);
  expect(Math.abs(Math.max(...red.x) + 1 - label.x - label.width)).toBeLessThan(5);
  expect(Math.abs(Math.min(...red.y) - label.y)).toBeLessThan(5);
  expect(Math.abs(Math.max(...red.y) + 1 - label.y - label.height)).toBeLessThan(5);
});

test('the same seed gives the same picture', async () => {
  for (const condition of CONDITIONS) {
    const [a, b] = await Promise.all([condition.apply(picture(), seeded(3)), condition.apply(picture(), seeded(3))]);
    expect(Buffer.compare(a.pixels.data, b.pixels.data)).toBe(0);
  }
});
