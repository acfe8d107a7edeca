import { describe, expect, test } from 'vitest';
import type { Point, Quad } from '../../imaging/geometry.ts';
import { readSegments, type Segment } from './lines.ts';
import { findOutline } from './outline.ts';

const options = { maxLines: 24, sameAngle: 0.07, sameDistance: 0.012, minAreaShare: 0.08, maxOutside: 0.03 };
const card: Quad = [
  { x: 100, y: 80 },
  { x: 700, y: 120 },
  { x: 680, y: 500 },
  { x: 80, y: 440 },
];
const mix = (a: Point, b: Point, at: number): Point => ({ x: a.x + (b.x - a.x) * at, y: a.y + (b.y - a.y) * at });
const side = (quad: Quad, index: number, from = 0, to = 1): Segment => ({
  from: mix(quad[index]!, quad[(index + 1) % 4]!, from),
  to: mix(quad[index]!, quad[(index + 1) % 4]!, to),
  score: 0.8,
});
const allSides = (quad: Quad) => [0, 1, 2, 3].map((index) => side(quad, index));
const find = (segments: Segment[]) => findOutline(segments, 800, 600, options);
const expectQuad = (found: Quad | undefined, quad: Quad) => {
  for (const [index, corner] of quad.entries()) {
    expect(Math.hypot(found![index]!.x - corner.x, found![index]!.y - corner.y)).toBeLessThan(2);
  }
};

describe('findOutline', () => {
  test('closes four sides, clockwise from the top left, however the segments run', () => {
    const turned = allSides(card).map(({ from, to, score }) => ({ from: to, to: from, score }));
    const found = find([turned[2]!, turned[0]!, turned[3]!, turned[1]!]);
    expectQuad(found?.quad, card);
    expect(found?.seen).toBeCloseTo(1);
  });

  test('joins pieces of one side, and says how much of the outline was seen', () => {
    const [, right, bottom, left] = allSides(card);
    const found = find([side(card, 0, 0, 0.3), side(card, 0, 0.6, 0.9), right!, bottom!, left!]);
    expectQuad(found?.quad, card);
    expect(found!.seen).toBeCloseTo((0.6 + (3 + 0.6) / 4) / 2);
  });

  test('prefers the whole card to a box printed on it', () => {
    const box: Quad = [
      { x: 300, y: 200 },
      { x: 600, y: 220 },
      { x: 590, y: 400 },
      { x: 290, y: 370 },
    ];
    expectQuad(find([...allSides(box), ...allSides(card)])?.quad, card);
  });

  test('finds none in three sides, in parallels, or in what is too small', () => {
    expect(find(allSides(card).slice(0, 3))).toBeUndefined();
    expect(
      find([80, 200, 320, 440].map((y) => ({ from: { x: 0, y }, to: { x: 700, y }, score: 0.9 }))),
    ).toBeUndefined();
    expect(find(allSides(card.map(({ x, y }) => ({ x: x / 5, y: y / 5 })) as unknown as Quad))).toBeUndefined();
  });
});

describe('readSegments', () => {
  test('takes peaks only, with their ends in pixels of the image', () => {
    const cells = 16;
    const scores = new Float32Array(cells * cells);
    const offsets = new Float32Array(cells * cells * 4);
    scores[8 * cells + 5] = 0.9;
    scores[8 * cells + 6] = 0.8;
    offsets.set([-3, 0, 4, 1], (8 * cells + 5) * 4);
    const found = readSegments(scores, offsets, cells, 0.2, 10, 5);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ from: { x: 40, y: 80 }, to: { x: 180, y: 90 } });
    expect(found[0]!.score).toBeCloseTo(0.9);
  });
});
