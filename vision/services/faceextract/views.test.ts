import fc from 'fast-check';
import { expect, test } from 'vitest';
import { searchRegions } from './views.ts';

const tiles = { fromSide: 960, side: 640, overlap: 0.25, max: 40 };

test('looks at a small image as a whole', () => {
  expect(searchRegions(800, 600, tiles)).toEqual([{ x: 0, y: -100, side: 800 }]);
});

test('every face up to the overlap lies whole in some tile, and tiles are never more than allowed', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 960, max: 9000 }),
      fc.integer({ min: 1, max: 9000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (width, height, u, v) => {
        const [, ...regions] = searchRegions(width, height, tiles);
        expect(regions.length).toBeLessThanOrEqual(tiles.max);
        const side = regions[0]!.side * tiles.overlap * 0.99;
        const [x, y] = [u * Math.max(0, width - side), v * Math.max(0, height - side)];
        const covers = regions.some(
          (tile) =>
            tile.x <= x + 1 &&
            tile.y <= y + 1 &&
            x + side <= tile.x + tile.side + 1 &&
            y + side <= tile.y + tile.side + 1,
        );
        expect(covers).toBe(true);
      },
    ),
  );
});
