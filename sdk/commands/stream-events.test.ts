import { expect, test } from 'vitest';
import { describeEvent } from './stream-events.ts';

const said = (cause: unknown) => describeEvent({ kind: 'disconnected', cause, pauseMs: 1_500 });

test('a connection that breaks is told with what lies at the bottom of it', () => {
  const refused = new Error('connect ECONNREFUSED 127.0.0.1:1');
  const failed = new TypeError('fetch failed', { cause: refused });
  expect(said(new Error('http://x cannot be reached', { cause: failed }))).toBe(
    'http://x cannot be reached (connect ECONNREFUSED 127.0.0.1:1); again in 1.5 s',
  );
});

test('several addresses of one name have no message of their own, but a code', () => {
  const all = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
  expect(said(new Error('http://localhost cannot be reached', { cause: all }))).toBe(
    'http://localhost cannot be reached (ECONNREFUSED); again in 1.5 s',
  );
});

test('a goodbye is told by its reason', () => {
  expect(said({ reason: 'draining' })).toBe('the server says draining; again in 1.5 s');
});
