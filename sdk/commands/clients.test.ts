import { existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RunningCommand } from '../../test/harness/run-command.ts';
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

test.each([
  ['clients', 'list', 'there is no log in'],
  ['clients', 'show', 'there is no log in', 'alice'],
  ['keys', 'list', 'there are no keys in'],
  ['keys', 'retire', 'there are no keys in', 'k1'],
])('sluice %s %s makes nothing in a folder whose name is mistyped', async (group, part, message, ...operands) => {
  const mistyped = join(tmpdir(), `sluice-mistyped-${process.pid}`);
  onTestFinished(() => rmSync(mistyped, { recursive: true, force: true }));
  const command = new RunningCommand([group, part, ...operands, '--data', mistyped]);
  expect(await command.ended, command.stderr).toBe(2);
  expect(command.stderr).toContain(`${message} ${mistyped}`);
  expect(existsSync(mistyped)).toBe(false);
});
