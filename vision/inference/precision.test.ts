import { expect, test } from 'vitest';
import { rounded } from './precision.ts';

test('numbers are rounded wherever they are, and nothing else changes', () => {
  const raw = Buffer.from([1, 2, 3]);
  const result = {
    confidence: 0.8881641030311584,
    box: { x: 172.86959838867188, y: 7 },
    at: [{ x: -0.0004 }],
    text: '1.23456',
    raw,
  };
  expect(rounded(result)).toEqual({
    confidence: 0.888,
    box: { x: 172.87, y: 7 },
    at: [{ x: 0 }],
    text: '1.23456',
    raw,
  });
});
