import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Quad } from './geometry.ts';
import { cutOut, project, squareToQuad } from './warp.ts';

/** Red grows to the right, green downwards. */
const ramp = { width: 100, height: 80, data: new Uint8Array(100 * 80 * 3) };
for (let y = 0; y < 80; y++) {
  for (let x = 0; x < 100; x++) ramp.data.set([2 * x, 3 * y, 7], (y * 100 + x) * 3);
}

test('maps the corners of the unit square onto the corners of any convex quadrilateral', () => {
  const near = (x: number, y: number) =>
    fc.record({
      x: fc.double({ min: x - 40, max: x + 40, noNaN: true }),
      y: fc.double({ min: y - 40, max: y + 40, noNaN: true }),
    });
  fc.assert(
    fc.property(near(0, 0), near(200, 0), near(200, 200), near(0, 200), (a, b, c, d) => {
      const map = squareToQuad([a, b, c, d]);
      for (const [u, v, corner] of [
        [0, 0, a],
        [1, 0, b],
        [1, 1, c],
        [0, 1, d],
      ] as const) {
        const at = project(map, u, v);
        expect(Math.hypot(at.x - corner.x, at.y - corner.y)).toBeLessThan(1e-6);
      }
    }),
  );
});

test('cuts out an upright region pixel for pixel', () => {
  const quad: Quad = [
    { x: 10, y: 20 },
    { x: 40, y: 20 },
    { x: 40, y: 30 },
    { x: 10, y: 30 },
  ];
  const cut = cutOut(ramp, quad, 30, 10);
  expect([...cut.data.subarray(0, 3)]).toEqual([20, 60, 7]);
  expect([...cut.data.subarray(cut.data.length - 3)]).toEqual([78, 87, 7]);
});

test('turns a region whose first corner is elsewhere', () => {
  const quarter: Quad = [
    { x: 40, y: 20 },
    { x: 40, y: 50 },
    { x: 10, y: 50 },
    { x: 10, y: 20 },
  ];
  const cut = cutOut(ramp, quarter, 30, 30);
  // Along the first row of the result x stays and y grows: what was the right edge is now the top.
  expect(cut.data[0]).toBeGreaterThan(75);
  expect(cut.data[1]).toBeLessThan(65);
  expect(cut.data[29 * 3 + 1]).toBeGreaterThan(140);
});

test('averages where the result is coarser, and repeats the border beyond the image', () => {
  const whole: Quad = [
    { x: 0, y: 0 },
    { x: 100, y: 0 },
    { x: 100, y: 80 },
    { x: 0, y: 80 },
  ];
  const [red] = cutOut(ramp, whole, 1, 1).data;
  expect(Math.abs(red! - 99)).toBeLessThan(4);
  const beyond: Quad = [
    { x: -50, y: -50 },
    { x: -40, y: -50 },
    { x: -40, y: -40 },
    { x: -50, y: -40 },
  ];
  expect([...cutOut(ramp, beyond, 1, 1).data]).toEqual([0, 0, 7]);
});
