/** Commands that are to write where nothing can be made, in processes of their own: one that asks for ever can be ended. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { newEntry } from '../../journal/testing/new-entry.ts';
import { openJournalWriter } from '../../journal/writer.ts';
import { RunningCommand } from '../../test/harness/run-command.ts';

let data: string;
beforeAll(() => {
  data = mkdtempSync(join(tmpdir(), 'sluice-unmakeable-'));
  const writer = openJournalWriter(join(data, 'firehose/journal/0'), { epoch: 'one', now: 0 });
  writer.appendBatch({ entries: [newEntry('ada', 0)], position: 1, epoch: 'one', now: 0 });
  writer.close();
});
afterAll(() => rmSync(data, { recursive: true }));

// Linux alone has /proc, which answers "no such folder" to making one in it.
test.skipIf(!existsSync('/proc/self')).each([
  ['mirror', 'folder', '/proc/sluice/a', '--url', 'http://127.0.0.1:1', '--token', 'none'],
  ['journal', 'backup', '--to', '/proc/sluice'],
  ['keys', 'create', '--data', '/proc/sluice'],
])('sluice %s %s ends and names the folder', { timeout: 120_000 }, async (...args) => {
  const command = new RunningCommand([...args, ...(args[0] === 'journal' ? ['--data', data] : [])]);
  onTestFinished(() => void command.child.kill('SIGKILL'));
  expect(await command.ended, command.stderr).toBe(1);
  expect(command.stderr).toMatch(/^sluice: the folder \/proc\/sluice\S* cannot be made: ENOENT/m);
});
