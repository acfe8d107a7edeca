import { expect, test } from 'vitest';
import { blend, type Detection, readGrid, withoutParts } from './detections.ts';

const face = (score: number, x: number, y: number, side: number): Detection => ({
  score,
  box: { x, y, width: side, height: side },
  points: Array.from({ length: 6 }, () => ({ x, y })),
});

test('reads an anchor: offsets from the middle of its cell, in pixels of the input', () => {
  const grid = { cells: 2, perCell: 2 };
  const scores = new Float32Array(8).fill(-20);
  const boxes = new Float32Array(8 * 16);
  // Second anchor of the cell at column 1, row 0: its middle is (192, 64) of 256.
  scores[3] = 0;
  boxes.set([8, -4, 40, 30, 5, 6], 3 * 16);
  const [found, ...others] = readGrid(grid, 256, scores, boxes, 0.4);
  expect(others).toEqual([]);
  expect(found).toMatchObject({ score: 0.5, box: { x: 180, y: 45, width: 40, height: 30 } });
  expect(found!.points[0]).toEqual({ x: 197, y: 70 });
  expect(found!.points).toHaveLength(6);
});

test('blends detections of one face by their scores and keeps faces apart', () => {
  const [first, second, ...others] = blend([face(0.5, 0, 0, 100), face(1, 9, 0, 100), face(0.8, 300, 0, 50)], 0.3);
  expect(others).toEqual([]);
  expect(first!.score).toBe(1);
  expect(first!.box.x).toBeCloseTo(6);
  expect(second!.box.x).toBe(300);
});

test('a small face inside a large one of less certainty stays', () => {
  const [large, small] = [face(0.8, 0, 0, 200), face(0.9, 50, 50, 30)];
  expect(blend([large, small], 0.3)).toHaveLength(2);
  expect(withoutParts([large, small])).toEqual([small]);
  expect(withoutParts([{ ...large, score: 0.95 }, small])).toEqual([{ ...large, score: 0.95 }]);
});
