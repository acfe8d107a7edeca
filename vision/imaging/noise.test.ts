import { describe, expect, test } from 'vitest';
import { seeded } from '../../protocol/seeded-random.ts';
import type { DecodedImage } from '../inference/decode.ts';
import { normal } from '../quality/normal.ts';
import { noiseOf, withoutNoise } from './noise.ts';

/** A ramp with a bright square on it, and noise of a deviation on top. */
function picture(deviation: number): DecodedImage {
  const [width, height] = [300, 200];
  const random = normal(seeded(3));
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    const plain = x > 100 && x < 180 && y > 60 && y < 140 ? 190 : 60 + x / 5;
    data[i] = Math.min(255, Math.max(0, Math.round(plain + deviation * random())));
  }
  return { width, height, data };
}

describe('noise', () => {
  test.each([0, 5, 15, 25])('of deviation %i is measured', (deviation) => {
    expect(noiseOf(picture(deviation))).toBeGreaterThan(deviation * 0.9 - 0.5);
    expect(noiseOf(picture(deviation))).toBeLessThan(deviation * 1.1 + 1.5);
  });

  test('is mostly gone where the middle values stay', async () => {
    const cleared = await withoutNoise(picture(25), 5);
    expect(cleared).toMatchObject({ width: 300, height: 200 });
    expect(noiseOf(cleared)).toBeLessThan(8);
  });

  test('of an image without an inside is none', () => {
    expect(noiseOf({ width: 2, height: 9, data: new Uint8Array(54) })).toBe(0);
  });
});
