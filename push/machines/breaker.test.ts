import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { admitsAt, answered, type Breaker, type BreakerOptions, CLOSED, probeAbandoned, sent } from './breaker.ts';

const OPTIONS: BreakerOptions = {
  windowMs: 300_000,
  minRequests: 10,
  failureRatio: 0.7,
  openMs: 30_000,
  maxOpenMs: 3_600_000,
};

function following(breaker: Breaker, outcomes: readonly boolean[], now = 0, stepMs = 1): Breaker {
  return outcomes.reduce((b, ok, i) => answered(b, ok, false, now + i * stepMs, 0.5, OPTIONS), breaker);
}

const failures = (count: number) => Array<boolean>(count).fill(false);
const successes = (count: number) => Array<boolean>(count).fill(true);

describe('closed', () => {
  test('opens when seven tenths of at least ten failed', () => {
    expect(following(CLOSED, failures(9)).kind).toBe('closed');
    expect(following(CLOSED, failures(10)).kind).toBe('open');
    expect(following(CLOSED, [...successes(3), ...failures(7)]).kind).toBe('open');
    expect(following(CLOSED, [...successes(4), ...failures(7)]).kind).toBe('closed');
  });

  test('failures of more than five minutes ago do not count', () => {
    const before = following(CLOSED, failures(9));
    expect(following(before, failures(1), 320_000).kind).toBe('closed');
    expect(following(before, failures(1), 200_000).kind).toBe('open');
  });

  test('whatever happens, it never opens below the ratio', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (outcomes) => {
        let breaker: Breaker = CLOSED;
        for (const [i, ok] of outcomes.entries()) {
          breaker = answered(breaker, ok, false, i, 0.5, OPTIONS);
          const failed = outcomes.slice(0, i + 1).filter((it) => !it).length;
          expect(breaker.kind === 'open').toBe(i + 1 >= 10 && failed >= 0.7 * (i + 1));
          if (breaker.kind === 'open') return;
        }
      }),
    );
  });
});

describe('open', () => {
  const open = following(CLOSED, failures(10));

  test('admits one probe when its time has come, and nothing beside it', () => {
    expect(admitsAt(open)).toBe(9 + 30_000);
    const probing = sent(open);
    expect(probing.kind).toBe('half-open');
    expect(admitsAt(probing)).toBe(Number.POSITIVE_INFINITY);
  });

  test('what was under way when it opened changes nothing', () => {
    expect(answered(open, true, false, 50, 0.5, OPTIONS)).toBe(open);
    const probing = sent(open);
    expect(answered(probing, true, false, 50, 0.5, OPTIONS)).toBe(probing);
  });

  test('closes on a probe that gets through', () => {
    expect(answered(sent(open), true, true, 40_000, 0.5, OPTIONS)).toBe(CLOSED);
  });

  test('stays open twice as long with each probe that does not, up to the limit', () => {
    let breaker: Breaker = open;
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      breaker = answered(sent(breaker), false, true, 0, 0.5, OPTIONS);
      pauses.push(admitsAt(breaker) / 1000);
    }
    expect(pauses).toEqual([60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
  });

  test('a probe that was abandoned is sent again', () => {
    expect(admitsAt(probeAbandoned(sent(open), 77))).toBe(77);
  });
});
