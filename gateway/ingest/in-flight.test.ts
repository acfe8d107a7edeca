import { expect, test } from 'vitest';
import type { Problem } from '../../protocol/http/problem.ts';
import { InFlight } from './in-flight.ts';

function refusal(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return (error as Problem).key;
  }
}

test('a client has so many places and no more; another client is not affected', () => {
  const inFlight = new InFlight({ requestsPerClient: 2, bytes: 1000 });
  const leave = inFlight.enter('alice', 1);
  inFlight.enter('alice', 1);
  expect(refusal(() => inFlight.enter('alice', 1))).toBe('rate-limited');
  expect(refusal(() => inFlight.enter('bob', 1))).toBeUndefined();
  leave();
  expect(refusal(() => inFlight.enter('alice', 1))).toBeUndefined();
});

test('the bytes of all clients are bounded together, and come back', () => {
  const inFlight = new InFlight({ requestsPerClient: 9, bytes: 100 });
  const leave = inFlight.enter('alice', 60);
  expect(refusal(() => inFlight.enter('bob', 41))).toBe('unavailable');
  expect(refusal(() => inFlight.enter('bob', 40))).toBeUndefined();
  leave();
  expect(inFlight.bytes).toBe(40);
  expect(inFlight.requests).toBe(1);
});

test('one request larger than the bound is let in when it is alone', () => {
  const inFlight = new InFlight({ requestsPerClient: 9, bytes: 100 });
  expect(refusal(() => inFlight.enter('alice', 500))).toBeUndefined();
  expect(refusal(() => inFlight.enter('bob', 1))).toBe('unavailable');
});
