import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dueBy, PROFILES, rateAt } from './profiles.ts';

test('what is due is the integral of the rate', () => {
  const profile = fc.constantFrom(...PROFILES);
  fc.assert(
    fc.property(
      profile,
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 10, max: 600 }),
      (name, rate, duration) => {
        const steps = 3000;
        let sum = 0;
        for (let step = 0; step < steps; step++) {
          sum += (rateAt(name, rate, (step + 0.5) / steps) * duration) / steps;
          const due = dueBy(name, rate, duration, ((step + 1) / steps) * duration);
          expect(Math.abs(due - sum)).toBeLessThan(1 + rate * duration * 0.001);
        }
      },
    ),
    { numRuns: 20 },
  );
});
