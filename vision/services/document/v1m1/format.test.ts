import { expect, test } from 'vitest';
import { formatOf } from './format.ts';

test.each([
  [1.586, 'ID-1'],
  [1.55, 'ID-1'],
  [1.41, 'A'],
  [1.44, 'A'],
  [1.294, 'Letter'],
  [1, ''],
  [1.5, ''],
  [2.4, ''],
])('proportions of %f are called "%s"', (ratio, format) => {
  expect(formatOf(ratio)).toBe(format);
});
