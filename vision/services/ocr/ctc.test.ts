import { expect, test } from 'vitest';
import { decodeCtc } from './ctc.ts';

const classes = ['a', 'b'];
/** One row of probabilities a step: blank, a, b. */
const steps = (...rows: [number, number, number][]) => Float32Array.from(rows.flat());

test('merges repeats, drops blanks and keeps doubled letters that a blank parts', () => {
  const probabilities = steps([0.1, 0.8, 0.1], [0, 0.9, 0.1], [1, 0, 0], [0.2, 0.7, 0.1], [0, 0.1, 0.9]);
  const characters = decodeCtc(probabilities, 5, classes);
  expect(characters.map((character) => character.text).join('')).toBe('aab');
  expect(characters.map(({ from, to }) => [from, to])).toEqual([
    [0, 2],
    [3, 4],
    [4, 5],
  ]);
});

test('a character is as sure as its surest step', () => {
  const [a] = decodeCtc(steps([0.4, 0.6, 0], [0.2, 0.8, 0]), 2, classes);
  expect(a!.confidence).toBeCloseTo(0.8);
});

test('only blanks are no text', () => {
  expect(decodeCtc(steps([0.9, 0.05, 0.05], [1, 0, 0]), 2, classes)).toEqual([]);
});
