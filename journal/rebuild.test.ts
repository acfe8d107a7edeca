/** What happens to a whole journal folder: rebuilt from the log, copied, moved aside. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backup } from './backup.ts';
import type { NewEntry } from './entry.ts';
import { JournalDamagedError, JournalMissingError, JournalUnavailableError } from './errors.ts';
import { openOrRenewJournal } from './open-or-renew.ts';
import { quarantine } from './quarantine.ts';
import { openJournalReader } from './reader.ts';
import { messageIdOf, newEntry } from './testing/new-entry.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';
import { verifyJournal } from './verify.ts';
import { openJournalWriter } from './writer.ts';

const CLIENTS = ['ada', 'bob', 'cyd'];

/** Appends a log's records in batches of the given sizes, over and over. */
function replay(folder: string, log: readonly NewEntry[], sizes: readonly number[], volumeSpanMs: number): void {
  const writer = openJournalWriter(folder, { epoch: 'one', now: 0, volumeSpanMs });
  let i = 0;
  for (let n = 0; i < log.length; n++) {
    const entries = log.slice(i, i + sizes[n % sizes.length]!);
    i += entries.length;
    writer.appendBatch({ entries, position: entries.at(-1)!.offset + 1, epoch: 'one', now: n });
  }
  writer.close();
}

/** Everything that a client can see of a journal. */
function contents(folder: string): unknown {
  const reader = openJournalReader(folder);
  try {
    return CLIENTS.map((client) => {
      const chunks: Buffer[] = [];
      let after = -1;
      for (let end = false; !end; ) {
        const read = reader.read({ client, after });
        if (read.kind === 'retired') throw new Error('retired');
        chunks.push(...read.chunks);
        after = read.last;
        end = read.end;
      }
      const hash = reader.hashAt(client, after);
      return { client, hash, head: reader.head(client), frames: Buffer.concat(chunks).toString() };
    });
  } finally {
    reader.close();
  }
}

test('a journal rebuilt from the log has the same offsets and the same bytes, however it is batched', () => {
  const record = fc.record({ client: fc.nat(2), gap: fc.nat(3), repeat: fc.option(fc.nat(20), { freq: 5 }) });
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 1, size: 'max', maxLength: 60 }),
      sizes,
      sizes,
      (records, first, second) => {
        using one = temporaryFolder();
        using two = temporaryFolder();
        let offset = 0;
        const log = records.map(({ client, gap, repeat }) => {
          offset += gap + 1;
          return newEntry(CLIENTS[client]!, offset, repeat === null ? {} : { messageId: messageIdOf(repeat) });
        });
        replay(one.path, log, first, 3);
        replay(two.path, log, second, 1_000);
        expect(contents(two.path)).toEqual(contents(one.path));
      },
    ),
    { numRuns: 12, interruptAfterTimeLimit: 10_000 },
  );
});

function log(length: number): NewEntry[] {
  return Array.from({ length }, (_, i) => newEntry(CLIENTS[i % 3]!, i));
}

test('a backup taken beside a running writer verifies, reads the same, and can be written on', () => {
  using folder = temporaryFolder();
  const source = join(folder.path, 'journal');
  const copy = join(folder.path, 'copy');
  replay(source, log(50), [4], 5);
  const writer = openJournalWriter(source, { epoch: 'one', now: 100 });
  const entries = [newEntry('ada', 50)];
  writer.appendBatch({ entries, position: 51, epoch: 'one', now: 100 });
  const before = contents(source);
  expect(backup(source, copy)).toMatchObject({ entries: 51, position: 51, findings: [] });
  writer.appendBatch({ entries: [newEntry('ada', 51)], position: 52, epoch: 'one', now: 100 });
  writer.close();
  expect(contents(copy)).toEqual(before);

  const next = openJournalWriter(copy, { epoch: 'one', now: 100 });
  expect(next.appendBatch({ entries: [newEntry('ada', 51)], position: 52, epoch: 'one', now: 100 }).appended).toBe(1);
  next.close();
  expect(contents(copy)).toEqual(contents(source));
  expect(verifyJournal(copy).findings).toEqual([]);
});

test('a backup of what is damaged, or onto what is there, fails and leaves nothing', async () => {
  using folder = temporaryFolder();
  const source = join(folder.path, 'journal');
  const copy = join(folder.path, 'copy');
  expect(() => backup(source, copy)).toThrow(JournalMissingError);
  replay(source, log(20), [4], 1_000);
  expect(() => backup(source, source)).toThrow(JournalUnavailableError);
  const { default: Database } = await import('better-sqlite3');
  const database = new Database(join(source, '0000000000000000.db'));
  database.exec('drop trigger entry_append_only_update; update entry set prev = 17 where row = 9');
  database.close();
  expect(() => backup(source, copy)).toThrow(JournalDamagedError);
  expect([existsSync(copy), existsSync(`${copy}.unfinished`)]).toEqual([false, false]);
});

test('quarantine keeps what is damaged and frees its place', () => {
  using folder = temporaryFolder();
  const source = join(folder.path, '7');
  const aside = join(folder.path, 'aside');
  replay(source, log(10), [4], 1_000);
  const before = contents(source);
  expect(quarantine(source, aside)).toBe(join(aside, '7-1'));
  expect(existsSync(source)).toBe(false);
  expect(contents(join(aside, '7-1'))).toEqual(before);
  replay(source, log(10), [4], 1_000);
  expect(quarantine(source, aside)).toBe(join(aside, '7-2'));
  expect(() => quarantine(source, aside)).toThrow();
});

test('a journal that begins where the log does now says so of every client, known or not, before and after its volumes roll', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, {
    epoch: 'one',
    now: 0,
    start: 100,
    volumeSpanMs: 10,
    retentionMs: 100,
  });
  const append = (entries: NewEntry[], now: number) =>
    writer.appendBatch({ entries, position: entries.at(-1)!.offset + 1, epoch: 'one', now });
  expect(writer.position).toBe(100);
  append([newEntry('ada', 104)], 1);
  append([newEntry('ada', 107), newEntry('bob', 108)], 50);
  const reader = openJournalReader(folder.path);
  expect(reader.bounds()).toMatchObject({ earliest: 100, position: 109 });
  // Whether ada and eve had messages up to 99 is not known: a position there may have missed some.
  expect(reader.read({ client: 'ada', after: 42 })).toMatchObject({ kind: 'retired', earliest: 104 });
  expect(reader.read({ client: 'bob', after: -1 })).toMatchObject({ kind: 'retired', earliest: 108 });
  expect(reader.read({ client: 'eve', after: 42 })).toMatchObject({ kind: 'retired', earliest: 100 });
  expect(reader.read({ client: 'eve', after: 99 })).toMatchObject({ kind: 'range', count: 0, end: true });
  expect(reader.entries({ client: 'ada', after: 99 })).toMatchObject({ entries: [{ offset: 104, prev: 99 }] });
  expect(reader.entries({ client: 'ada', after: 104 })).toMatchObject({ entries: [{ offset: 107, prev: 104 }] });
  expect([reader.head('eve'), reader.count('eve', 99), reader.earliest('eve')]).toEqual([99, 0, null]);
  expect(verifyJournal(folder.path).findings).toEqual([]);

  expect(writer.maintain({ now: 140 }).retired).toEqual([100]);
  append([newEntry('eve', 120)], 141);
  expect(reader.entries({ client: 'eve', after: 99 })).toMatchObject({ entries: [{ offset: 120, prev: 99 }] });
  expect(reader.read({ client: 'eve', after: 98 })).toMatchObject({ kind: 'retired', earliest: 120 });
  expect(verifyJournal(folder.path).findings).toEqual([]);
  reader.close();
  writer.close();
});

test('a journal is renewed where it is damaged, of another epoch or behind what the log still has, and only then', () => {
  using folder = temporaryFolder();
  const source = join(folder.path, '7');
  const open = (options: { epoch?: string; start?: number } = {}) => {
    const opened = openOrRenewJournal(source, join(folder.path, 'aside'), { epoch: 'one', now: 0, ...options });
    opened.writer.close();
    return opened;
  };
  expect(open()).toMatchObject({ isNew: true, moved: undefined });
  replay(source, log(10), [4], 1_000);
  expect(open({ start: 10 })).toMatchObject({ isNew: false, moved: undefined });
  const behind = open({ start: 11 });
  expect(behind.moved?.detail).toMatch(/ends before offset 10, .* 11 on/);
  expect(openJournalReader(source).bounds()).toMatchObject({ earliest: 11, position: 11 });
  expect(openJournalReader(behind.moved!.to).bounds().position).toBe(10);
  expect(open({ epoch: 'two' }).moved?.detail).toMatch(/belongs to epoch 'one'/);
  expect(open({ epoch: 'two' })).toMatchObject({ isNew: false, moved: undefined });
  writeFileSync(join(source, '0000000000000000.db'), 'nothing of a database');
  expect(open({ epoch: 'two' })).toMatchObject({ isNew: true, moved: { detail: expect.stringContaining('damaged') } });
});
