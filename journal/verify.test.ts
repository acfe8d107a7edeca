import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { JournalDamagedError, JournalMissingError } from './errors.ts';
import { openJournalReader } from './reader.ts';
import { newEntry } from './testing/new-entry.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';
import { verifyJournal } from './verify.ts';
import { volumePath } from './volume-files.ts';
import { openJournalWriter } from './writer.ts';

/** Two volumes of two clients: 0 to 19 and 20 to 39. */
function fill(folder: string): void {
  const writer = openJournalWriter(folder, { epoch: 'one', now: 0, volumeSpanMs: 10 });
  for (let i = 0; i < 40; i += 5) {
    const entries = [0, 1, 2, 3, 4].map((j) => newEntry(j % 2 === 0 ? 'ada' : 'bob', i + j, { labels: ['face'] }));
    writer.appendBatch({ entries, position: i + 5, epoch: 'one', now: i < 20 ? 0 : 10 });
  }
  writer.close();
}

/** Changes a volume behind the journal's back, append-only triggers and all. */
function tamper(folder: string, base: number, ...statements: string[]): void {
  const database = new Database(volumePath(folder, base));
  const triggers = database.prepare<[], string>(`select name from sqlite_schema where type = 'trigger'`).pluck().all();
  for (const name of triggers) database.exec(`drop trigger ${name}`);
  for (const statement of statements) database.exec(statement);
  database.close();
}

test('a sound journal has no findings', () => {
  using folder = temporaryFolder();
  fill(folder.path);
  expect(verifyJournal(folder.path)).toEqual({
    epoch: 'one',
    position: 40,
    volumes: 2,
    clients: 2,
    entries: 40,
    bytes: expect.any(Number),
    findings: [],
  });
});

test('where there is no journal there is nothing to verify', () => {
  using folder = temporaryFolder();
  expect(() => verifyJournal(folder.path)).toThrow(JournalMissingError);
});

test.each([
  { kind: 'crc', base: 0, statement: `update segment set data = zeroblob(length(data)) where row = 1` },
  { kind: 'hash', base: 20, statement: `update segment set data = zeroblob(length(data)) where row = 1` },
  { kind: 'hash', base: 0, statement: `update entry set chain = zeroblob(8) where offset = 7` },
  { kind: 'prev', base: 0, statement: `update entry set prev = 1 where offset = 7` },
  { kind: 'prev', base: 20, statement: `update entry set ordinal = 99 where offset = 7` },
  { kind: 'segment', base: 0, statement: `update entry set position = position + 1 where offset = 7` },
  { kind: 'segment', base: 0, statement: `delete from entry where offset = 7` },
  { kind: 'prev', base: 0, statement: `delete from segment where row = 4` },
  { kind: 'segment', base: 20, statement: `update segment set high_time = 0 where row = 1` },
  { kind: 'head', base: 20, statement: `update client set head = 7 where name = 'bob'` },
  { kind: 'head', base: 0, statement: `update client set bytes = 7 where name = 'bob'` },
  { kind: 'position', base: 20, statement: `update volume set position = 30` },
  { kind: 'epoch', base: 20, statement: `update volume set epoch = 'two'` },
  { kind: 'volume', base: 0, statement: `update volume set next = 21` },
  { kind: 'volume', base: 20, statement: `update volume set base = 21` },
])('finds $kind: $statement', ({ kind, base, statement }) => {
  using folder = temporaryFolder();
  fill(folder.path);
  tamper(folder.path, base, statement);
  const { findings } = verifyJournal(folder.path);
  expect(findings.map((finding) => finding.kind)).toContain(kind);
  expect(findings.map(({ volume }) => volume)).toContain(base);
});

test('finds what is wrong in the pages themselves, and so does opening with a check', () => {
  using folder = temporaryFolder();
  fill(folder.path);
  const path = volumePath(folder.path, 20);
  const file = openSync(path, 'r+');
  // All but the first pages, which hold the schema and the volume's row.
  const from = 16_384;
  writeSync(file, Buffer.alloc(statSync(path).size - from, 0xa5), 0, undefined, from);
  closeSync(file);
  expect(verifyJournal(folder.path).findings).toContainEqual(expect.objectContaining({ kind: 'sqlite', volume: 20 }));
  const options = { epoch: 'one', now: 20, check: true };
  expect(() => openJournalWriter(folder.path, options)).toThrow(JournalDamagedError);
});

test('a file that is no database at all is damage, not a riddle', () => {
  using folder = temporaryFolder();
  fill(folder.path);
  const file = openSync(volumePath(folder.path, 20), 'r+');
  writeSync(file, Buffer.alloc(4_096, 'not a database '));
  closeSync(file);
  expect(() => openJournalReader(folder.path)).toThrow(JournalDamagedError);
  expect(() => openJournalWriter(folder.path, { epoch: 'one', now: 0 })).toThrow(JournalDamagedError);
  expect(verifyJournal(folder.path).findings).toContainEqual(expect.objectContaining({ kind: 'sqlite', volume: 20 }));
});
