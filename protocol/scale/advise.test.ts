import fc from 'fast-check';
import { expect, test } from 'vitest';
import { adviseScale, DEFAULT_POLICY, NOTHING_KNOWN, type ScalingPolicy } from './advise.ts';

const policy: ScalingPolicy = { ...DEFAULT_POLICY, maxReplicas: 16 };
const STEP_MS = 15_000;
const PARTITIONS = 16;

interface Load {
  /** Records per second in each step. */
  readonly arrivals: readonly number[];
  /** Records per second that one replica can do. */
  readonly capacity: number;
  readonly replicas: number;
  readonly backlog: number;
}

/** A group that follows the advice at once: the replicas and the lag in each step. */
function follow({ arrivals, capacity, replicas: start, backlog }: Load, by: ScalingPolicy = policy) {
  let state = NOTHING_KNOWN;
  let replicas = start;
  let produced = backlog;
  let committed = 0;
  return arrivals.map((rate, step) => {
    produced += (rate * STEP_MS) / 1000;
    committed = Math.min(produced, committed + (replicas * capacity * STEP_MS) / 1000);
    const lag = produced - committed;
    const waiting = lag > 0 ? PARTITIONS : 0;
    const seen = { time: (step + 1) * STEP_MS, replicas, produced, committed, lag, partitions: PARTITIONS, waiting };
    const { state: next, advice } = adviseScale(by, state, seen);
    state = next;
    const before = replicas;
    replicas = advice.replicas;
    return { time: seen.time, before, after: replicas, lag: seen.lag, reason: advice.reason };
  });
}

const steps = (count: number, rate: number) => new Array<number>(count).fill(rate);

test('a group that falls behind gets what it needs, and a rate that is learnt, not given, tells how much', () => {
  const history = follow({ arrivals: steps(60, 100), capacity: 20, replicas: 1, backlog: 0 });
  // 100/s ÷ (20/s × 0.8) = 6.25
  expect(history.at(-1)).toMatchObject({ after: 7, lag: 0 });
});

test('less is advised only after a whole window in which less was enough', () => {
  const history = follow({ arrivals: [...steps(20, 100), ...steps(60, 10)], capacity: 20, replicas: 1, backlog: 0 });
  // The first decrease only takes back what the backlog at the start needed; the load itself needs 7.
  const first = history.find(({ after }, step) => step >= 20 && after < 7)!;
  expect(first.time - 20 * STEP_MS).toBeGreaterThanOrEqual(policy.downAfterMs);
  expect(history.at(-1)!.after).toBe(1);
});

test('an idle group whose rate is unknown is left as it is', () => {
  const history = follow({ arrivals: steps(60, 5), capacity: 20, replicas: 4, backlog: 0 });
  expect(history.every(({ after, reason }) => after === 4 && reason === 'learning')).toBe(true);
});

/** What is advised for a group of four with two records a second coming, which has done so many in each interval of one second. */
function rateAfter(intervals: readonly { readonly done: number; readonly waiting: number }[]) {
  const shape = { replicas: 4, partitions: 16, lag: 1000 };
  const first = { ...shape, time: 0, produced: 1000, committed: 0, waiting: 16 };
  let state = adviseScale(policy, NOTHING_KNOWN, first).state;
  let [time, committed] = [0, 0];
  let rate: number | undefined;
  for (const { done, waiting } of intervals) {
    time += 1000;
    committed += done;
    const next = adviseScale(policy, state, { ...shape, time, produced: 1000 + 2 * time, committed, waiting });
    state = next.state;
    rate = next.advice.ratePerReplica;
  }
  return rate;
}

test('a rate learnt while the machine stalled is put right by what the group does later, though it is not saturated any more', () => {
  const stalled = { done: 8, waiting: 16 };
  expect(rateAfter([stalled])).toBe(2);
  const quiet = { done: 80, waiting: 0 };
  expect(rateAfter([stalled, ...new Array(6).fill(quiet)])).toBeGreaterThan(19);
  // Less than is believed shows nothing then.
  expect(rateAfter([stalled, { done: 4, waiting: 0 }])).toBe(2);
});

test('a backlog in a few partitions only does not show what all replicas can do', () => {
  // One of four replicas may have had four empty partitions; three empty ones are not all that any has.
  expect(
    rateAfter([
      { done: 80, waiting: 16 },
      { done: 8, waiting: 12 },
    ]),
  ).toBe(20);
  expect(
    rateAfter([
      { done: 80, waiting: 16 },
      { done: 8, waiting: 13 },
    ]),
  ).toBe(11);
});

const loads = fc.record({
  arrivals: fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { minLength: 1, maxLength: 120 }),
  capacity: fc.double({ min: 1, max: 100, noNaN: true }),
  replicas: fc.integer({ min: 1, max: 16 }),
  backlog: fc.double({ min: 0, max: 100_000, noNaN: true }),
});

test('whatever the load does, the advice stays within its bounds', () => {
  fc.assert(
    fc.property(loads, (load) => {
      for (const { after } of follow(load)) {
        expect(after).toBeGreaterThanOrEqual(policy.minReplicas);
        expect(after).toBeLessThanOrEqual(policy.maxReplicas);
      }
    }),
  );
});

test('whatever the load does, no decrease follows an increase within the window', () => {
  fc.assert(
    fc.property(loads, (load) => {
      let increased = Number.NEGATIVE_INFINITY;
      for (const { time, before, after } of follow(load)) {
        if (after > before) increased = time;
        if (after < before) expect(time - increased).toBeGreaterThanOrEqual(policy.downAfterMs);
      }
    }),
  );
});

test('a steady load with noise within the tolerance settles and is left alone', () => {
  const noisy = fc.record({
    rate: fc.double({ min: 1, max: 200, noNaN: true }),
    noise: fc.array(fc.double({ min: 0.95, max: 1.05, noNaN: true }), { minLength: 240, maxLength: 240 }),
    capacity: fc.double({ min: 20, max: 100, noNaN: true }),
    replicas: fc.integer({ min: 1, max: 16 }),
    backlog: fc.double({ min: 0, max: 10_000, noNaN: true }),
  });
  fc.assert(
    fc.property(noisy, ({ rate, noise, ...rest }) => {
      const history = follow({ ...rest, arrivals: noise.map((factor) => rate * factor) });
      const turns = history.filter(({ before, after }) => after !== before).map(({ before, after }) => after > before);
      // Up to catch up, down when that is done, and at most one more turn either way for a bad first estimate.
      const reversals = turns.filter((up, index) => index > 0 && up !== turns[index - 1]).length;
      expect(reversals).toBeLessThanOrEqual(2);
      // A load at the edge of the tolerance may cross it late, once, and stays on the other side.
      const late = history.slice(history.length / 2).filter(({ before, after }) => after > before);
      expect(late.length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 200 },
  );
});

test('what the advice asks for is enough: within reach of the maximum no backlog stays', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 150, noNaN: true }),
      fc.double({ min: 20, max: 100, noNaN: true }),
      fc.double({ min: 0, max: 20_000, noNaN: true }),
      (rate, capacity, backlog) => {
        const history = follow({ arrivals: steps(200, rate), capacity, replicas: 1, backlog });
        expect(history.at(-1)!.lag).toBeLessThanOrEqual(rate * 60);
      },
    ),
  );
});

test('time that does not move on is refused', () => {
  const seen = { time: 1, replicas: 1, produced: 0, committed: 0, lag: 0, partitions: 1, waiting: 0 };
  const { state } = adviseScale(policy, NOTHING_KNOWN, seen);
  expect(() => adviseScale(policy, state, seen)).toThrow(RangeError);
});
