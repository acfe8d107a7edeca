import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { convexHull, corners, minAreaRect, polygonArea, rectIou } from './geometry.ts';

const coordinate = fc.double({ min: -500, max: 500, noNaN: true });
const point = fc.record({ x: coordinate, y: coordinate });

describe('rectIou', () => {
  test('is 1 for the same rectangle, 0 apart, and a third where half of each is shared', () => {
    const box = { x: 0, y: 0, width: 10, height: 4 };
    expect(rectIou(box, box)).toBe(1);
    expect(rectIou(box, { ...box, x: 10 })).toBe(0);
    expect(rectIou(box, { ...box, x: 5 })).toBeCloseTo(1 / 3);
  });
});

describe('convexHull', () => {
  test('holds every point and bends one way only', () => {
    fc.assert(
      fc.property(fc.array(point, { minLength: 3, maxLength: 40 }), (points) => {
        const hull = convexHull(points);
        for (let i = 0; i < hull.length && hull.length >= 3; i++) {
          const [a, b] = [hull[i]!, hull[(i + 1) % hull.length]!];
          for (const p of points) {
            expect((b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x)).toBeGreaterThanOrEqual(-1e-6);
          }
        }
      }),
    );
  });
});

describe('minAreaRect', () => {
  const rects = fc.record({
    centre: point,
    length: fc.double({ min: 20, max: 300, noNaN: true }),
    breadth: fc.double({ min: 1, max: 15, noNaN: true }),
    angle: fc.double({ min: -1.5, max: 1.5, noNaN: true }),
  });

  test('gives a rotated rectangle back', () => {
    fc.assert(
      fc.property(rects, (rect) => {
        const found = minAreaRect(convexHull(corners(rect)));
        expect(found.length).toBeCloseTo(rect.length, 3);
        expect(found.breadth).toBeCloseTo(rect.breadth, 3);
        expect(Math.abs(Math.sin(found.angle - rect.angle))).toBeLessThan(1e-3);
        expect(Math.hypot(found.centre.x - rect.centre.x, found.centre.y - rect.centre.y)).toBeLessThan(1e-3);
      }),
    );
  });

  test('is never larger than the upright rectangle', () => {
    fc.assert(
      fc.property(fc.array(point, { minLength: 3, maxLength: 30 }), (points) => {
        const found = minAreaRect(convexHull(points));
        const [xs, ys] = [points.map((p) => p.x), points.map((p) => p.y)];
        const upright = (Math.max(...xs) - Math.min(...xs)) * (Math.max(...ys) - Math.min(...ys));
        expect(found.length * found.breadth).toBeLessThanOrEqual(upright + 1e-3 * (1 + upright));
        expect(found.length).toBeGreaterThanOrEqual(found.breadth);
      }),
    );
  });
});

test('corners go clockwise and enclose length times breadth', () => {
  const quad = corners({ centre: { x: 50, y: 50 }, length: 40, breadth: 10, angle: 0 });
  expect(quad).toEqual([
    { x: 30, y: 45 },
    { x: 70, y: 45 },
    { x: 70, y: 55 },
    { x: 30, y: 55 },
  ]);
  expect(polygonArea(quad)).toBe(400);
});
