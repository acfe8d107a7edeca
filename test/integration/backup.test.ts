/** Journals copied while they are written, lost, and put back: the real command, and what a client reads before and after. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClientProgram } from '../crash/client-program.ts';
import { isComplete } from '../crash/exactly-once.ts';
import { readFirehose } from '../harness/firehose-reader.ts';
import { runSluice, type SluiceProcess, startSluice } from '../harness/sluice-process.ts';

const TIMEOUT_MS = 60_000;

let folder: string;
let data: string;
let sluice: SluiceProcess;
let image: Buffer;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-backup-'));
  data = join(folder, 'data');
  image = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'white' } })
    .jpeg()
    .toBuffer();
  sluice = await start();
}, 300_000);

afterEach(async () => {
  await sluice?.kill();
  await rm(folder, { recursive: true });
});

function start(): Promise<SluiceProcess> {
  return startSluice(['up', '--data', data, '--port', '0', '--vision-synthetic-enabled', 'true']);
}

const journal = (...args: string[]) =>
  runSluice(['journal', ...args, '--data', data])
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

test('a restored journal goes on from the backup and ends as the lost one was', { timeout: 180_000 }, async () => {
  const client = new ClientProgram(runSluice(['token', '--client', 'ada', '--data', data]).trim());
  const read = () => readFirehose(sluice.url, client.token, (seen) => isComplete(seen, client.accepted), TIMEOUT_MS);
  const submit = (transaction: string) =>
    client.submitAll(
      () => sluice.url,
      Array.from({ length: 3 }, () => ({ transaction, image })),
    );

  await submit('before');
  const before = await read();
  const copies = journal('backup', '--to', join(folder, 'backup'));
  const copied = copies.reduce((sum, { entries }) => sum + entries, 0);
  expect(copied).toBeGreaterThanOrEqual(before.length);
  expect(() => journal('backup', '--to', join(folder, 'backup'))).toThrow(/already holds a backup/);
  expect(() => journal('restore', '--from', join(folder, 'backup'))).toThrow(/already has a writer/);

  await submit('after');
  const all = await read();
  await sluice.kill();
  await rm(join(data, 'firehose', 'journal'), { recursive: true });
  const restored = journal('restore', '--from', join(folder, 'backup'));
  expect(restored.map(({ entries }) => entries)).toEqual(copies.map(({ entries }) => entries));
  // Those of push were still there.
  expect(new Set(restored.filter((it) => 'moved_aside' in it).map((it) => it.folder.includes('/push/')))).toEqual(
    new Set([true]),
  );
  sluice = await start();
  expect((await read()).slice(0, all.length)).toEqual(all);
  expect(journal('verify').flatMap(({ findings }) => findings)).toEqual([]);
});
