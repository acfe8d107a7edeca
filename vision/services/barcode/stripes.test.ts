import { expect, test } from 'vitest';
import { stripedAreas } from './stripes.ts';

const options = { block: 8, minEnergy: 400, minCoherence: 0.6, minBlocks: 8, maxAreas: 8 };
const [width, height] = [400, 300];

/** Stripes 6 pixels apart in a rectangle turned by `angle` about the middle. */
function striped(length: number, breadth: number, angle: number) {
  const data = new Uint8Array(width * height * 3).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x - width / 2, y - height / 2];
      const along = dx * Math.cos(angle) + dy * Math.sin(angle);
      const across = dy * Math.cos(angle) - dx * Math.sin(angle);
      if (Math.abs(along) > length / 2 || Math.abs(across) > breadth / 2) continue;
      // Smooth, as a camera shows them: hard pixel steps have directions of their own.
      const value = 127 + 127 * Math.cos((along * Math.PI) / 3);
      data.fill(value, (y * width + x) * 3, (y * width + x) * 3 + 3);
    }
  }
  return { width, height, data };
}

test.each([0, 0.4, -0.7, 1.2])('finds stripes that run across the direction %f', (angle) => {
  const [area] = stripedAreas(striped(200, 60, angle), options);
  const [a, b] = area!;
  const direction = Math.atan2(b.y - a.y, b.x - a.x);
  // Gradients of neighbouring pixels are a few degrees off; the reader tolerates ten.
  expect(Math.abs(Math.sin(direction - angle))).toBeLessThan(0.1);
  expect(Math.hypot(b.x - a.x, b.y - a.y)).toBeGreaterThan(200);
});

test('finds nothing in a plain image or in small stripes', () => {
  expect(stripedAreas(striped(0, 0, 0), options)).toEqual([]);
  expect(stripedAreas(striped(12, 10, 0), options)).toEqual([]);
});
