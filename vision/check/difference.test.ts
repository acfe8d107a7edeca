import { expect, test } from 'vitest';
import { largestDifference, resultsAgree } from './difference.ts';

test('the worst number counts, as a share of the largest', () => {
  const expected = Float32Array.of(1, -200, 3);
  expect(largestDifference(expected, expected)).toBe(0);
  expect(largestDifference(expected, Float32Array.of(1, -202, 3))).toBeCloseTo(0.01);
  expect(largestDifference(Float32Array.of(0.1), Float32Array.of(0.3))).toBeCloseTo(0.2);
});

test('numbers that are none, and missing ones, are no agreement', () => {
  expect(largestDifference(Float32Array.of(1, 2), Float32Array.of(Number.NaN, 2))).toBe(Number.POSITIVE_INFINITY);
  expect(largestDifference(Float32Array.of(1, 2), Float32Array.of(1))).toBe(Number.POSITIVE_INFINITY);
});

test('results agree up to two pixels and two hundredths of confidence, whoever computed them', () => {
  const line = (text: string, x: number, confidence: number, provider = 'cpu') => [
    { text, confidence, at: { x, y: 7 }, crop: Buffer.from(provider), model: { name: 'm', provider } },
  ];
  expect(resultsAgree(line('a', 100, 0.9), line('a', 101.5, 0.91, 'cuda'))).toBe(true);
  expect(resultsAgree(line('a', 100, 0.9), line('b', 100, 0.9))).toBe(false);
  expect(resultsAgree(line('a', 100, 0.9), line('a', 103, 0.9))).toBe(false);
  expect(resultsAgree(line('a', 100, 0.9), line('a', 100, 0.87))).toBe(false);
  expect(resultsAgree(line('a', 100, 0.9), [])).toBe(false);
});
