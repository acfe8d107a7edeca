import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JournalDamagedError } from './errors.ts';
import { quickCheck, sqliteFindings } from './quick-check.ts';

let folder: string;
let path: string;
let database: Database.Database;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-quick-check-'));
  path = join(folder, 'volume.sqlite');
  database = new Database(path);
  database.exec('CREATE TABLE entry (text TEXT)');
  const insert = database.prepare('INSERT INTO entry VALUES (?)');
  database.transaction(() => {
    for (let row = 0; row < 200; row++) insert.run('x'.repeat(200));
  })();
  database.close();
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

/** Overwrites a part of the file and opens it. */
function damaged(at: number, bytes: number): Database.Database {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(bytes, 0xa5), 0, bytes, at);
  closeSync(file);
  database = new Database(path);
  return database;
}

test('a sound file has no findings', () => {
  database = new Database(path);
  expect(sqliteFindings(database, 'quick_check')).toEqual([]);
});

test('a page of entries that was overwritten is found', () => {
  expect(sqliteFindings(damaged(2 * 4096, 4096), 'quick_check')).not.toEqual([]);
});

// A node that fell over such a file would fall over it again at each start.
test.for([
  ['its schema', 100],
  ['its header', 0],
] as const)('damage to %s, over which the check itself falls, is a finding like any other', ([, at]) => {
  const broken = damaged(at, 512);
  expect(() => broken.pragma('quick_check')).toThrow();
  expect(sqliteFindings(broken, 'quick_check')).toHaveLength(1);
  expect(() => quickCheck(broken, path)).toThrow(JournalDamagedError);
});

test('what is no damage is no finding', () => {
  database = new Database(path);
  database.close();
  expect(() => sqliteFindings(database, 'quick_check')).toThrow(TypeError);
});
