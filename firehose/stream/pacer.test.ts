import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lowerRate, Pacer } from './pacer.ts';

/** Sends as fast as the pacer lets it. @returns [time, amount] of each write */
function run(
  rate: number,
  size: number,
  seconds: number,
  lateness: () => number,
  change = { at: Number.POSITIVE_INFINITY, rate },
): [number, number][] {
  const pacer = new Pacer({ messages: undefined, bytes: rate }, 0);
  const writes: [number, number][] = [];
  let now = 0;
  let due = change.at;
  while (now < seconds * 1000) {
    if (now >= due) {
      pacer.set({ messages: undefined, bytes: change.rate }, now);
      due = Number.POSITIVE_INFINITY;
    }
    const delay = pacer.delay(now);
    if (delay > 0) {
      now += delay + lateness();
      continue;
    }
    const amount = Math.max(1, Math.floor(pacer.quota(now).bytes! / size)) * size;
    pacer.spent(0, amount);
    writes.push([now, amount]);
  }
  return writes;
}

test('over any second the pace is kept within 5 % and one message, however late timers fire', () => {
  const property = fc.property(
    fc.integer({ min: 1_000, max: 5_000_000 }),
    fc.integer({ min: 1, max: 50 }),
    fc.infiniteStream(fc.integer({ min: 0, max: 5 })),
    (rate, size, lateness) => {
      const writes = run(rate, size, 4, () => lateness.next().value!);
      for (const start of [500, 990, 1_501, 2_222, 2_999]) {
        const sent = writes
          .filter(([at]) => at >= start && at < start + 1_000)
          .reduce((sum, [, bytes]) => sum + bytes, 0);
        expect(sent).toBeLessThanOrEqual(rate * 1.05 + size);
        expect(sent).toBeGreaterThanOrEqual(rate * 0.95 - size);
      }
    },
  );
  fc.assert(property, { numRuns: 60 });
});

test('a pace that is changed while it runs is kept before and after, over any second', () => {
  const property = fc.property(
    fc.integer({ min: 2_000, max: 1_000_000 }),
    fc.integer({ min: 2_000, max: 1_000_000 }),
    fc.integer({ min: 1_100, max: 1_900 }),
    fc.infiniteStream(fc.integer({ min: 0, max: 5 })),
    (before, after, at, lateness) => {
      const size = 20;
      const writes = run(before, size, 4, () => lateness.next().value!, { at, rate: after });
      for (const start of [500, at - 990, at - 500, at - 100, at, at + 300, at + 1_000]) {
        const sent = writes
          .filter(([time]) => time >= start && time < start + 1_000)
          .reduce((sum, [, bytes]) => sum + bytes, 0);
        // The part of the second for which each of the two paces was due.
        const old = Math.min(1, Math.max(0, (at - start) / 1_000));
        const due = before * old + after * (1 - old);
        expect(sent).toBeLessThanOrEqual(due + 0.05 * Math.max(before, after) + size);
        expect(sent).toBeGreaterThanOrEqual(due - 0.05 * Math.max(before, after) - size);
      }
    },
  );
  fc.assert(property, { numRuns: 60 });
});

test('nothing comes in a burst after a pause', () => {
  const pacer = new Pacer({ messages: 1000, bytes: undefined }, 0);
  expect(pacer.quota(60_000).messages).toBeLessThanOrEqual(40);
});

test('a message larger than the quota goes and delays the next by its whole size', () => {
  const pacer = new Pacer({ messages: undefined, bytes: 1000 }, 0);
  const first = pacer.delay(0);
  pacer.spent(0, 5_000);
  expect(pacer.delay(first)).toBeGreaterThanOrEqual(4_900);
});

test('a slow pace is single messages at even distances', () => {
  const pacer = new Pacer({ messages: 4, bytes: undefined }, 0);
  expect(pacer.delay(0)).toBe(250);
  expect(pacer.delay(250)).toBe(0);
  expect(pacer.quota(250).messages).toBe(1);
});

test('the lower of two paces counts in each field', () => {
  expect(lowerRate({ messages: 5, bytes: undefined }, { messages: 3, bytes: 9 })).toEqual({ messages: 3, bytes: 9 });
});
