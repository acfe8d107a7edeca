import { expect, test } from 'vitest';
import { Backoff, pause } from './backoff.ts';

test('bounds of the pauses double up to the longest, and begin anew after a success', () => {
  const backoff = new Backoff({ firstMs: 100, longestMs: 500, random: () => 1 });
  expect(Array.from({ length: 5 }, () => backoff.next())).toEqual([100, 200, 400, 500, 500]);
  backoff.succeeded();
  expect(backoff.next()).toBe(100);
});

test('each pause lies anywhere below its bound: clients that were cut off together come back apart', () => {
  const bounds = [100, 200, 400];
  const clients = Array.from({ length: 300 }, () => new Backoff({ firstMs: 100 }));
  for (const bound of bounds) {
    const pauses = clients.map((backoff) => backoff.next());
    expect(Math.max(...pauses)).toBeLessThanOrEqual(bound);
    // With 300 of them each quarter is met: a chance of less than 10^-36 that it is not.
    for (const quarter of [0, 1, 2, 3])
      expect(pauses.some((ms) => ms >= (quarter * bound) / 4 - 0.5 && ms <= ((quarter + 1) * bound) / 4 + 0.5)).toBe(
        true,
      );
  }
});

test('a pause ends with its time, or at once with the reason of an abort', async () => {
  await pause(1, undefined);
  const abort = new AbortController();
  const pausing = pause(60_000, abort.signal);
  abort.abort(new Error('enough'));
  await expect(pausing).rejects.toThrow('enough');
  await expect(pause(60_000, abort.signal)).rejects.toThrow('enough');
});
