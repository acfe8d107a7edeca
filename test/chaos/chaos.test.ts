import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runChaos } from './run-chaos.ts';
import { FAULTS, planFaults } from './schedule.ts';

const SECONDS = 120;

test('a seed gives the same schedule each time, which meets every kind of fault before any comes again', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 300 }), (seed, seconds) => {
      const plan = planFaults(seed, FAULTS, seconds);
      expect(planFaults(seed, FAULTS, seconds)).toEqual(plan);
      const first = plan.slice(0, FAULTS.length).map(({ fault }) => fault);
      expect(new Set(first).size).toBe(first.length);
    }),
  );
});

test('whatever strikes, clients lose nothing, get nothing twice and nothing out of order', {
  timeout: 900_000,
}, async () => {
  const lines: string[] = [];
  const report = await runChaos({ seed: 20_261_121, seconds: SECONDS, say: (line) => lines.push(line) });
  expect(
    report.findings,
    `replay with npm run chaos -- --seed ${report.seed} --seconds ${SECONDS}\n${lines.join('\n')}`,
  ).toEqual([]);
  expect(report.accepted).toBeGreaterThan(50);
  process.stderr.write(`chaos: ${JSON.stringify(report)}\n`);
});
