import { expect, test } from 'vitest';
import { streamExpiry } from './expiry.ts';

test('a stream ends with its token or after its lifetime, whichever is first', () => {
  expect(streamExpiry(1000, 5000, 0, () => 0.5)).toEqual({ at: 5000, reason: 'token_expired' });
  expect(streamExpiry(1000, 5000, 2000, () => 0.5)).toEqual({ at: 3000, reason: 'lifetime' });
  expect(streamExpiry(1000, 2500, 2000, () => 0.5)).toEqual({ at: 2500, reason: 'token_expired' });
});

test('streams that began together end spread over half of their lifetime', () => {
  expect(streamExpiry(0, 9e9, 1000, () => 0).at).toBe(750);
  expect(streamExpiry(0, 9e9, 1000, () => 1).at).toBe(1250);
});
