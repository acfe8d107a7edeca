import { expect, test } from 'vitest';
import { parseLimits } from './clients.ts';

test('limits are given by name', () => {
  expect(parseLimits(['requests_per_second=20', 'requests_in_flight=0'])).toEqual({
    requestsPerSecond: 20,
    requestsInFlight: 0,
  });
});

test.each([
  [['requests_per_minute=5'], "'requests_per_minute' is no limit; known are requests_per_second, requests_in_flight"],
  [['constructor=5'], "'constructor' is no limit; known are requests_per_second, requests_in_flight"],
  [['requests_per_second'], "'requests_per_second' is not a limit: use name=number"],
])('%j is refused, not left out', (texts, message) => {
  expect(() => parseLimits(texts)).toThrow(message);
});
