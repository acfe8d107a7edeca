import { expect, test } from 'vitest';
import { textRegions } from './text-regions.ts';

const options = { pixelThreshold: 0.3, boxThreshold: 0.6, unclipRatio: 1.5, minSide: 3, maxLines: 100 };
const [width, height] = [120, 90];

/** A map with one stripe of the given probability, turned by `angle` about (60, 45). */
function stripe(length: number, breadth: number, angle: number, probability: number): Float32Array {
  const map = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x + 0.5 - 60, y + 0.5 - 45];
      const along = dx * Math.cos(angle) + dy * Math.sin(angle);
      const across = dy * Math.cos(angle) - dx * Math.sin(angle);
      if (Math.abs(along) <= length / 2 && Math.abs(across) <= breadth / 2) map[y * width + x] = probability;
    }
  }
  return map;
}

test.each([0, 0.2, -0.5, 1.4])('finds a line that is turned by %f and grows it by the unclip ratio', (angle) => {
  const [found, ...others] = textRegions(stripe(60, 12, angle, 0.9), width, height, options);
  expect(others).toEqual([]);
  const grow = (60 * 12 * 1.5) / (2 * (60 + 12));
  expect(Math.abs(found!.length - (60 + 2 * grow))).toBeLessThan(4);
  expect(Math.abs(found!.breadth - (12 + 2 * grow))).toBeLessThan(4);
  expect(Math.abs(found!.angle - angle)).toBeLessThan(0.06);
  expect(Math.hypot(found!.centre.x - 60, found!.centre.y - 45)).toBeLessThan(1);
});

test('leaves out what is faint, thin or below the threshold', () => {
  expect(textRegions(stripe(60, 12, 0, 0.5), width, height, options)).toEqual([]);
  expect(textRegions(stripe(60, 2, 0, 0.9), width, height, options)).toEqual([]);
  expect(textRegions(stripe(60, 12, 0, 0.2), width, height, options)).toEqual([]);
});

test('stops at the most lines it may report', () => {
  const map = new Float32Array(width * height);
  for (let y = 5; y < 85; y += 10) for (let i = 0; i < 4 * 50; i++) map[(y + (i >> 6)) * width + 10 + (i & 63)] = 0.9;
  expect(textRegions(map, width, height, { ...options, maxLines: 3 })).toHaveLength(3);
});
