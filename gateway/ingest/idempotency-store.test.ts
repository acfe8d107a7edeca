import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { IdempotencyStore } from './idempotency-store.ts';

const KEY = { client: 'alice', transaction: 't', key: 'k' };
const ONE = Buffer.from('one');
const OTHER = Buffer.from('other');
let folder: string;
let store: IdempotencyStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-idempotency-'));
  store = new IdempotencyStore(folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

test('a submission that was finished is answered as before, whenever it is repeated', () => {
  expect(store.begin(KEY, ONE, () => ['a'], 1)).toEqual({ kind: 'go', imageIds: ['a'] });
  store.finish(KEY, { images: ['a'] });
  expect(store.begin(KEY, ONE, () => ['b'], 2)).toEqual({ kind: 'repeat', answer: { images: ['a'] } });
});

test('a submission that was cut off gets the names that it had, by the end of the process too', () => {
  store.begin(KEY, ONE, () => ['a'], 1);
  store.close();
  store = new IdempotencyStore(folder);
  expect(store.begin(KEY, ONE, () => ['b'], 2)).toEqual({ kind: 'go', imageIds: ['a'] });
  store.release(KEY);
  expect(store.begin(KEY, ONE, () => ['c'], 3)).toEqual({ kind: 'go', imageIds: ['a'] });
});

test('while it is being taken in, the same one is told so, and other content is a conflict at any time', () => {
  store.begin(KEY, ONE, () => ['a'], 1);
  expect(store.begin(KEY, ONE, () => ['b'], 1).kind).toBe('in progress');
  expect(store.begin(KEY, OTHER, () => ['b'], 1).kind).toBe('conflict');
  store.finish(KEY, {});
  expect(store.begin(KEY, OTHER, () => ['b'], 1).kind).toBe('conflict');
});

test("nobody meets another's key", () => {
  store.begin(KEY, ONE, () => ['a'], 1);
  for (const other of [{ client: 'bob' }, { transaction: 'u' }, { key: 'l' }])
    expect(store.begin({ ...KEY, ...other }, OTHER, () => ['b'], 1)).toEqual({ kind: 'go', imageIds: ['b'] });
});

test('what is old is forgotten', () => {
  store.begin(KEY, ONE, () => ['a'], 1);
  store.finish(KEY, {});
  expect(store.forgetBefore(2)).toBe(1);
  expect(store.begin(KEY, OTHER, () => ['b'], 3).kind).toBe('go');
});

test('a submission that could not be written down, as on a full disk, may be tried again', () => {
  const outside = new Database(join(folder, 'idempotency.sqlite'));
  try {
    // Of all ways to make SQLite refuse a row the one that needs no disk of its own.
    outside.exec(`CREATE TRIGGER full BEFORE INSERT ON submission BEGIN SELECT raise(ABORT, 'full'); END`);
    expect(() => store.begin(KEY, ONE, () => ['a'], 1)).toThrow('full');
    outside.exec('DROP TRIGGER full');
    expect(store.begin(KEY, ONE, () => ['b'], 2)).toEqual({ kind: 'go', imageIds: ['b'] });
  } finally {
    outside.close();
  }
});
