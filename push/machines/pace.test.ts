import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Pace, paceAllows, paced, UNPACED } from './pace.ts';

test('no rate, no pause', () => {
  expect(paceAllows(paced(UNPACED, 0, 100), 0)).toBe(Number.NEGATIVE_INFINITY);
});

test('however late the timers are, no second holds more than the rate and its tolerance', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 50, maxLength: 300 }),
      (rate, lateness) => {
        let pace: Pace = UNPACED;
        let now = 0;
        const sent: number[] = [];
        for (const late of lateness) {
          now = Math.max(now, paceAllows(pace, rate)) + late;
          sent.push(now);
          pace = paced(pace, rate, now);
        }
        for (const from of sent) {
          const inSecond = sent.filter((at) => at >= from && at < from + 1000).length;
          expect(inSecond).toBeLessThanOrEqual(rate * 1.05 + 1);
        }
      },
    ),
  );
});

test('timers that fire a little late do not lower the rate', () => {
  let pace: Pace = UNPACED;
  let now = 0;
  for (let i = 0; i < 100; i++) {
    now = Math.max(now, paceAllows(pace, 10) + 20);
    pace = paced(pace, 10, now);
  }
  expect(now).toBeLessThan(100 * 100 + 100);
});
