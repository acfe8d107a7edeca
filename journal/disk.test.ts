/** What the disk does to a journal: a WAL that wants to grow, a device that is full. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { JournalUnavailableError } from './errors.ts';
import { openJournalReader } from './reader.ts';
import { newEntry } from './testing/new-entry.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';
import { verifyJournal } from './verify.ts';
import { openJournalWriter } from './writer.ts';

test('the WAL stays bounded while readers are on it without a pause', { timeout: 120_000 }, async () => {
  using folder = temporaryFolder();
  const walBytes = 500_000;
  const writer = openJournalWriter(folder.path, { epoch: 'one', now: 0, walBytes });
  const readers = [1, 2].map(
    () => new Worker(new URL('./testing/reading-program.ts', import.meta.url), { workerData: folder.path }),
  );
  await Promise.all(readers.map((reader) => once(reader, 'message')));
  let greatest = 0;
  let written = 0;
  for (let n = 0; n < 100; n++) {
    const frame = Buffer.alloc(2_000, 'x');
    const entries = Array.from({ length: 20 }, (_, i) => newEntry('ada', n * 20 + i, { frame: () => frame }));
    const result = writer.appendBatch({ entries, position: n * 20 + 20, epoch: 'one', now: 0 });
    greatest = Math.max(greatest, result.walBytes);
    written += 20 * 2_000;
  }
  for (const reader of readers) {
    reader.postMessage('stop');
    const [reads] = (await once(reader, 'message')) as [number];
    expect(reads).toBeGreaterThan(0);
  }
  writer.close();
  // Three times the limit allows for a checkpoint or two that readers put off; without any it would be all that was written.
  expect(greatest).toBeLessThan(3 * walBytes);
  expect(written).toBeGreaterThan(7 * walBytes);
  expect(verifyJournal(folder.path)).toMatchObject({ entries: 2_000, findings: [] });
});

/** Mounts a small file system for the test; undefined where that is not permitted. */
function smallDisk(path: string, bytes: number): Disposable | undefined {
  mkdirSync(path);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path]);
  if (mounted.status !== 0) return undefined;
  return { [Symbol.dispose]: () => void spawnSync('umount', ['--lazy', path]) };
}

test('a full disk refuses batches whole, keeps what it has readable, and goes on once there is room', (context) => {
  using folder = temporaryFolder();
  const disk = join(folder.path, 'disk');
  using mount = smallDisk(disk, 6 << 20);
  if (mount === undefined)
    return context.skip('a full disk is simulated with a small tmpfs, which may not be mounted here');
  const journal = join(disk, 'journal');
  const filler = join(disk, 'filler');
  writeFileSync(filler, Buffer.alloc(3 << 20));
  const writer = openJournalWriter(journal, { epoch: 'one', now: 0, walBytes: 300_000 });
  const reader = openJournalReader(journal);
  const append = (position: number) => {
    const entries = Array.from({ length: 10 }, (_, i) =>
      newEntry(i % 2 === 0 ? 'ada' : 'bob', position + i, { frame: () => Buffer.alloc(1_000, 'x') }),
    );
    return writer.appendBatch({ entries, position: position + 10, epoch: 'one', now: 0 }).position;
  };

  let position = 0;
  const fill = () => {
    for (let n = 0; n < 1_000; n++) position = append(position);
  };
  expect(fill).toThrow(JournalUnavailableError);
  expect(position).toBeGreaterThan(0);
  // It stays so, and every refusal is the same typed one.
  for (let n = 0; n < 5; n++) expect(() => append(position)).toThrow(JournalUnavailableError);
  expect(writer.position).toBe(position);
  expect(reader.bounds().position).toBe(position);
  expect(reader.count('ada', -1) + reader.count('bob', -1)).toBe(position);

  rmSync(filler);
  const full = position;
  for (let n = 0; n < 20; n++) position = append(position);
  expect(position).toBe(full + 200);
  expect(reader.count('ada', -1) + reader.count('bob', -1)).toBe(position);
  reader.close();
  writer.close();
  expect(verifyJournal(journal)).toMatchObject({ position, entries: position, findings: [] });
});
