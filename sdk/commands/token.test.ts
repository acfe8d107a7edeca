import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RunningCommand } from '../../test/harness/run-command.ts';

test('a token of keys that nothing runs with yet is given, and the new keys are told of', async () => {
  const data = await mkdtemp(join(tmpdir(), 'sluice-token-'));
  onTestFinished(() => rm(data, { recursive: true }));
  const mint = async () => {
    const command = new RunningCommand(['token', '--client', 'ada', '--data', data]);
    expect(await command.ended).toBe(0);
    expect(command.lines).toHaveLength(1);
    return command.stderr;
  };
  expect(await mint()).toBe(`sluice: ${data} had no keys: new ones were made, for what runs with this --data\n`);
  expect(await mint()).toBe('');
});
