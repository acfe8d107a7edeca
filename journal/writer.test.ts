import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { BatchOrderError, EpochMismatchError, JournalInUseError } from './errors.ts';
import { openJournalReader } from './reader.ts';
import { newEntry } from './testing/new-entry.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';
import { verifyJournal } from './verify.ts';
import { listVolumes, volumePath } from './volume-files.ts';
import { type JournalWriter, openJournalWriter } from './writer.ts';

const OPTIONS = { epoch: 'one', now: 0 };

function append(writer: JournalWriter, offsets: readonly number[], position = offsets.at(-1)! + 1, now = 0) {
  const entries = offsets.map((offset) => newEntry('ada', offset));
  return writer.appendBatch({ entries, position, epoch: 'one', now });
}

function framesOf(folder: string, client = 'ada'): string {
  const reader = openJournalReader(folder);
  try {
    const read = reader.read({ client, after: -1 });
    return read.kind === 'range' ? Buffer.concat(read.chunks).toString() : read.kind;
  } finally {
    reader.close();
  }
}

test('a batch appended twice is in the journal once', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, OPTIONS);
  expect(append(writer, [3, 5])).toMatchObject({ appended: 2, replayed: 0, position: 6 });
  expect(append(writer, [3, 5])).toMatchObject({ appended: 0, replayed: 2, position: 6, segments: [] });
  expect(append(writer, [5, 8])).toMatchObject({ appended: 1, replayed: 1, position: 9 });
  writer.close();
  expect(framesOf(folder.path)).toBe(
    '{"kind":"message","offset":3,"prev":-1}\n{"kind":"message","offset":5,"prev":3}\n' +
      '{"kind":"message","offset":8,"prev":5}\n',
  );
});

test('the position moves past records that made no entry', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, OPTIONS);
  writer.appendBatch({ entries: [], position: 17, epoch: 'one', now: 0 });
  writer.close();
  const again = openJournalWriter(folder.path, OPTIONS);
  expect(again.position).toBe(17);
  again.close();
});

test('says what it appended, so that live readers need not read it back', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, OPTIONS);
  append(writer, [0]);
  const entries = [newEntry('ada', 1), newEntry('bob', 2), newEntry('ada', 3)];
  const { segments } = writer.appendBatch({ entries, position: 4, epoch: 'one', now: 0 });
  expect(segments.map(({ data, ...segment }) => ({ ...segment, data: data.toString() }))).toEqual([
    {
      client: 'ada',
      first: 1,
      last: 3,
      count: 2,
      prev: 0,
      data: '{"kind":"message","offset":1,"prev":0}\n{"kind":"message","offset":3,"prev":1}\n',
    },
    { client: 'bob', first: 2, last: 2, count: 1, prev: -1, data: '{"kind":"message","offset":2,"prev":-1}\n' },
  ]);
  writer.close();
});

test('a message id that any retained volume holds is dropped, and may come again once that is gone', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, { ...OPTIONS, volumeSpanMs: 10, retentionMs: 1_000 });
  append(writer, [0, 1]);
  append(writer, [2], 3, 10);
  append(writer, [3], 4, 20);
  expect(listVolumes(folder.path)).toEqual([0, 2, 3]);
  const repeat = (offset: number, now: number) => {
    const entries = [newEntry('ada', offset, { messageId: newEntry('ada', 1).messageId })];
    return writer.appendBatch({ entries, position: offset + 1, epoch: 'one', now }).duplicates;
  };
  expect(repeat(4, 20)).toBe(1);
  expect(writer.maintain({ now: 1_005 }).retired).toEqual([0]);
  expect(repeat(5, 1_005)).toBe(0);
  expect(repeat(6, 1_005)).toBe(1);
  writer.close();
});

test('retention by size removes the oldest volumes and never the newest', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, { ...OPTIONS, volumeBytes: 1, retentionBytes: 1 });
  append(writer, [0]);
  append(writer, [1]);
  append(writer, [2]);
  const { retired } = writer.maintain({ now: 0 });
  expect(retired).toEqual([0, 1, 2]);
  expect(listVolumes(folder.path)).toEqual([3]);
  expect(writer.maintain({ now: 0 })).toEqual({ rolled: false, retired: [] });
  // The chain goes on over what is gone.
  append(writer, [7]);
  expect(framesOf(folder.path)).toBe('retired');
  writer.close();
});

test('a frame that cannot be encoded leaves nothing behind', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, OPTIONS);
  append(writer, [0]);
  const broken = newEntry('ada', 2, {
    frame: () => {
      throw new TypeError('no such field');
    },
  });
  const batch = { entries: [newEntry('ada', 1), broken], position: 3, epoch: 'one', now: 0 };
  expect(() => writer.appendBatch(batch)).toThrow(TypeError);
  expect(writer.position).toBe(1);
  expect(append(writer, [1, 2])).toMatchObject({ appended: 2 });
  writer.close();
  expect(framesOf(folder.path)).toContain('"offset":2,"prev":1');
});

test('refuses batches that are out of order', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, OPTIONS);
  for (const offsets of [[2, 1], [1, 1], [-2], [1.5]]) {
    expect(() => append(writer, offsets, 10)).toThrow(BatchOrderError);
  }
  expect(() => append(writer, [4], 4)).toThrow(BatchOrderError);
  writer.close();
});

test('refuses another epoch, when opened and when appended to', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, OPTIONS);
  const batch = { entries: [], position: 3, epoch: 'two', now: 0 };
  expect(() => writer.appendBatch(batch)).toThrow(EpochMismatchError);
  writer.close();
  expect(() => openJournalWriter(folder.path, { ...OPTIONS, epoch: 'two' })).toThrow(
    expect.objectContaining({ name: 'EpochMismatchError', expected: 'two', found: 'one' }),
  );
});

test('a folder has one writer at a time', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, OPTIONS);
  expect(() => openJournalWriter(folder.path, OPTIONS)).toThrow(JournalInUseError);
  writer.close();
  openJournalWriter(folder.path, OPTIONS).close();
});

test('entries and segments cannot be changed or deleted', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, OPTIONS);
  const entries = [newEntry('ada', 0, { labels: ['face'] })];
  writer.appendBatch({ entries, position: 1, epoch: 'one', now: 0 });
  writer.close();
  const database = new Database(volumePath(folder.path, 0));
  for (const statement of [
    'update segment set crc = 0',
    'delete from segment',
    'update entry set prev = 0',
    'delete from entry',
    'update entry_label set label = 0',
    'delete from entry_label',
  ]) {
    expect(() => database.exec(statement), statement).toThrow('append-only');
  }
  database.close();
});

test('what interrupted rolls and removals left is cleared away, and the volume before is sealed', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, { ...OPTIONS, volumeSpanMs: 10 });
  append(writer, [0]);
  append(writer, [1], 2, 10);
  writer.close();
  // As a crash between the creation of a volume and the sealing of the one before it leaves them.
  const database = new Database(volumePath(folder.path, 0));
  database.exec('update volume set next = null');
  database.prepare('vacuum into ?').run(join(folder.path, '0000000000000009.db.new'));
  database.close();
  const again = openJournalWriter(folder.path, OPTIONS);
  expect(readdirSync(folder.path).filter((name) => name.includes('.new'))).toEqual([]);
  expect(again.position).toBe(2);
  again.close();
  const sealed = new Database(volumePath(folder.path, 0), { readonly: true });
  expect(sealed.prepare('select next from volume').pluck().get()).toBe(1);
  sealed.close();
});

test('tidying moves the WAL into the database before an append has to, and the file is written over, not cut off', () => {
  using folder = temporaryFolder();
  const limit = 400_000;
  const writer = openJournalWriter(folder.path, { epoch: 'one', now: 0, walBytes: limit });
  const sizes: number[] = [];
  let tidied = 0;
  for (let n = 0; n < 60; n++) {
    const entries = [newEntry('ada', n, { frame: () => Buffer.alloc(20_000, 'x') })];
    const { walBytes } = writer.appendBatch({ entries, position: n + 1, epoch: 'one', now: 0 });
    const before = sizes.at(-1) ?? 0;
    if (walBytes < before) tidied++;
    sizes.push(walBytes);
    writer.tidy();
  }
  expect(tidied).toBeGreaterThan(2);
  expect(Math.max(...sizes)).toBeLessThan(limit);
  const file = statSync(`${volumePath(folder.path, 0)}-wal`).size;
  expect(file).toBeGreaterThan(limit / 2);
  expect(file).toBeLessThanOrEqual(limit);
  writer.close();
  expect(verifyJournal(folder.path)).toMatchObject({ entries: 60, findings: [] });
});
