import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RunningCommand } from '../../test/harness/run-command.ts';

test('a reset that nobody can confirm changes nothing and ends', async () => {
  const data = await mkdtemp(join(tmpdir(), 'sluice-offsets-'));
  onTestFinished(() => rm(data, { recursive: true }));
  expect(await new RunningCommand(['topics', 'apply', '--data', data]).ended).toBe(0);
  const position = ['--group', 'summary', '--topic', 'results-1', '--to', 'earliest', '--data', data];
  // Its input is /dev/null.
  const asked = new RunningCommand(['offsets', 'reset', ...position]);
  onTestFinished(() => void asked.child.kill('SIGKILL'));
  expect(await asked.ended).toBe(2);
  expect(asked.stderr).toMatch(/nothing was changed: answer yes, or give --yes$/m);
  expect(await new RunningCommand(['offsets', 'reset', ...position, '--yes']).ended).toBe(0);
});
