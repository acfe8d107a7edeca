import { expect, test } from 'vitest';
import { Windows } from './windows.ts';

/** A run of twelve seconds: so many milliseconds of latency in each of them. */
function ran(latencies: readonly (number | undefined)[]): Windows {
  const windows = new Windows(12);
  for (const [second, latency] of latencies.entries()) {
    windows.sent(second + 0.5);
    if (latency === undefined) continue;
    windows.accepted(second + 0.5);
    windows.finished(second + 0.5, latency);
  }
  return windows;
}

test('an image counts in the span in which it was sent, also one that was sent late', () => {
  const windows = ran([1, undefined, 3]);
  windows.sent(12.4);
  expect(windows.all().map(({ sent, accepted }) => [sent, accepted])).toEqual([
    [1, 1],
    [1, 0],
    [1, 1],
    ...new Array(8).fill([0, 0]),
    [1, 0],
  ]);
  expect(windows.all()[2]).toMatchObject({ from_s: 2, p50_ms: 3, p99_ms: 3 });
});

test('growth is the end beside the beginning', () => {
  expect(ran([10, 10, 10, 0, 0, 0, 0, 0, 0, 25, 25, 25]).growth()).toBe(2.5);
});

test('a spike is over when a span is as those before it were', () => {
  expect(ran([10, 12, 10, 11, 90, 90, 90, 90, 80, 50, 20, 10]).recovery(1 / 3, 2 / 3)).toBe(2);
  expect(ran([10, 12, 10, 11, 90, 90, 90, 90, 20, 10, 10, 10]).recovery(1 / 3, 2 / 3)).toBe(0);
});

test('a spike after which nothing is as before, or nothing comes at all, is never over', () => {
  expect(ran([10, 12, 10, 11, 90, 90, 90, 90, 80, 50, 40, 30]).recovery(1 / 3, 2 / 3)).toBeNaN();
  expect(ran([10, 12, 10, 11]).recovery(1 / 3, 2 / 3)).toBeNaN();
});
