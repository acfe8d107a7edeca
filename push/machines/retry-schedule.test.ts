import { expect, test } from 'vitest';
import { retryAfterMs, retryAt, STANDARD_SCHEDULE } from './retry-schedule.ts';

const NOW = Date.UTC(2026, 0, 1);

test('a message is tried ten times over about three days', () => {
  const pauses = [];
  for (let attempts = 1; ; attempts++) {
    const at = retryAt(STANDARD_SCHEDULE, attempts, 0, 0.5);
    if (at === undefined) break;
    pauses.push(at / 1000);
  }
  expect(pauses).toEqual([5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
});

test('jitter stays within a fifth', () => {
  expect(retryAt([1000], 1, NOW, 0)).toBe(NOW + 800);
  expect(retryAt([1000], 1, NOW, 0.999999)).toBe(NOW + 1200);
});

test.each([
  [undefined, undefined],
  ['7', 7000],
  ['0', 0],
  ['99999', 3_600_000],
  [new Date(NOW + 5000).toUTCString(), 5000],
  [new Date(NOW - 5000).toUTCString(), 0],
  ['soon', undefined],
  ['-3', undefined],
])('Retry-After: %s is %s ms', (header, expected) => {
  expect(retryAfterMs(header, NOW, 3_600_000)).toBe(expected);
});
