import { expect, test } from 'vitest';
import { type Concurrency, delivered, failed, startConcurrency } from './concurrency.ts';

const OPTIONS = { start: 4, most: 32 };

function deliveredTimes(state: Concurrency, count: number, tookMs = 5, inFlight = 32): Concurrency {
  for (let i = 0; i < count; i++) state = delivered(state, tookMs, inFlight, OPTIONS);
  return state;
}

test('at first each delivery makes room for one more, up to the most; a failure ends that', () => {
  const start = startConcurrency({ ...OPTIONS, start: 1 });
  expect(start.limit).toBe(1);
  expect(deliveredTimes(start, 7).limit).toBe(8);
  expect(deliveredTimes(start, 10_000).limit).toBe(32);
  const once = failed(deliveredTimes(start, 7), 0, 1);
  expect(once.limit).toBe(4);
  expect(Math.floor(deliveredTimes(once, 4).limit)).toBe(4);
});

test('after that it grows by about one with each round of deliveries', () => {
  const state = { ...startConcurrency(OPTIONS), threshold: 4 };
  expect(Math.floor(deliveredTimes(state, 5).limit)).toBe(5);
  expect(deliveredTimes(state, 10_000).limit).toBe(32);
});

test('does not grow where the room is not used', () => {
  expect(deliveredTimes(startConcurrency(OPTIONS), 1000, 5, 1).limit).toBe(4);
});

test('gives way slowly while requests queue, down to one, and comes back', () => {
  const wide = { ...deliveredTimes(startConcurrency(OPTIONS), 1, 10), limit: 16 };
  expect(Math.floor(deliveredTimes(wide, 17, 100).limit)).toBe(14);
  const narrow = deliveredTimes(wide, 1000, 100);
  expect(narrow.limit).toBe(1);
  expect(deliveredTimes(narrow, 1000, 10).limit).toBe(32);
});

test('a failure halves it, once for all that were under way together, never below one', () => {
  const wide = { ...startConcurrency(OPTIONS), limit: 32 };
  const halved = failed(wide, 90, 100);
  expect(halved.limit).toBe(16);
  expect(failed(halved, 95, 105).limit).toBe(16);
  expect(failed(halved, 101, 110).limit).toBe(8);
  let state = halved;
  for (let i = 0; i < 20; i++) state = failed(state, 1000 + i, 1000 + i);
  expect(state.limit).toBe(1);
});
