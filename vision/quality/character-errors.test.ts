import fc from 'fast-check';
import { expect, test } from 'vitest';
import { characterErrorRate, editDistance } from './character-errors.ts';

test('counts insertions, deletions and substitutions', () => {
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('abc', '')).toBe(3);
});

test('is zero for equal texts, symmetric, and no more than the longer text', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(editDistance(a, a)).toBe(0);
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max([...a].length, [...b].length));
    }),
  );
});

test('is relative to what was written', () => {
  expect(characterErrorRate('Ada', 'Ida')).toBeCloseTo(1 / 3);
});
