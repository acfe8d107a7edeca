import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextCursor } from './cursor.ts';
import { offsetToken, parseOffsetToken } from './offset-token.ts';

test('a cursor never goes back, whatever the client sends', () => {
  const now = Date.UTC(2026, 0, 1);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 9 }), fc.double({ min: 0, max: 1, noNaN: true }), (given, random) => {
      expect(Number(nextCursor(now, String(given), random))).toBeGreaterThan(given);
    }),
  );
  expect(nextCursor(now, undefined, 0.5)).toBe(nextCursor(now, 'nonsense', 0.5));
});

test('offset tokens sort as their offsets do, and come back as they were', () => {
  const offset = fc.integer({ min: -1, max: 2 ** 50 });
  fc.assert(
    fc.property(offset, offset, (a, b) => {
      expect(parseOffsetToken(offsetToken('e1', a))).toEqual({ epoch: 'e1', after: a });
      expect(offsetToken('e1', a) < offsetToken('e1', b)).toBe(a < b);
    }),
  );
});
