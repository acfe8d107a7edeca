import { expect, test } from 'vitest';
import { findGrant, grantedService, isGrantPattern } from './grant.ts';

test.each([
  ['ocr-*', 1, 0, true],
  ['ocr-*', 7, 3, true],
  ['ocr-1', 1, 4, true],
  ['ocr-1', 2, 0, false],
  ['ocr-1.*', 1, 4, true],
  ['ocr-1.*', 11, 4, false],
  ['ocr-1.0', 1, 0, true],
  ['ocr-1.0', 1, 1, false],
  ['face-1.0', 1, 0, false],
])('%s grants ocr %i.%i: %s', (pattern, major, minor, granted) => {
  expect(findGrant({ [pattern]: {} }, 'ocr', { major, minor }) !== undefined).toBe(granted);
});

test('the most specific of several patterns gives the configuration', () => {
  const grants = { 'ocr-*': { language: 'any' }, 'ocr-1.0': { language: 'en' }, 'ocr-1.*': { language: 'de' } };
  expect(findGrant(grants, 'ocr', { major: 1, minor: 0 })).toEqual({ language: 'en' });
  expect(findGrant(grants, 'ocr', { major: 1, minor: 1 })).toEqual({ language: 'de' });
  // In whatever order they stand: 'ocr-1.*' is as long as 'ocr-1.0', 'ocr-1' as 'ocr-*'.
  expect(findGrant({ 'ocr-1.*': { a: 1 }, 'ocr-1.0': { b: 1 } }, 'ocr', { major: 1, minor: 0 })).toEqual({ b: 1 });
  expect(findGrant({ 'ocr-*': { a: 1 }, 'ocr-1': { b: 1 } }, 'ocr', { major: 1, minor: 0 })).toEqual({ b: 1 });
});

test.each(['ocr', 'ocr-', '-1', 'ocr-1.', 'ocr-01', 'ocr-1.0.0', 'OCR-1', 'ocr-**', '*', '*-1'])(
  '%j is not a grant pattern',
  (text) => {
    expect(isGrantPattern(text)).toBe(false);
    expect(() => grantedService(text)).toThrow(TypeError);
  },
);
