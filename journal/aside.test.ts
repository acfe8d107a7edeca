import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tidyAside } from './aside.ts';
import { quarantine } from './quarantine.ts';
import { type TemporaryFolder, temporaryFolder } from './testing/temporary-folder.ts';

const HOUR = 3_600_000;
const NOW = Date.now();
let temporary: TemporaryFolder;
let aside: string;

beforeEach(() => {
  temporary = temporaryFolder();
  aside = join(temporary.path, 'journal-aside');
});
afterEach(() => temporary[Symbol.dispose]());

/** A journal that was moved aside so long ago. @returns the name that it has there */
function movedAside(journal: string, hoursAgo: number): string {
  const folder = join(temporary.path, 'journal', journal);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'volume.sqlite'), 'entries');
  const path = quarantine(folder, aside);
  const time = (NOW - hoursAgo * HOUR) / 1000;
  utimesSync(path, time, time);
  return path;
}

const kept = () =>
  readdirSync(aside)
    .map((name) => join(aside, name))
    .sort();

test('of each journal the newest are kept, by the time at which they were moved and not by their names', async () => {
  const first = movedAside('0', 3);
  const second = movedAside('0', 2);
  const other = movedAside('1', 3);
  expect(await tidyAside(aside, { asideKeep: 1, asideKeepMs: 0 }, NOW)).toEqual({ kept: 2, removed: [first] });
  // It gets the name that has become free.
  const third = movedAside('0', 1);
  expect(third).toBe(first);
  expect((await tidyAside(aside, { asideKeep: 1, asideKeepMs: 0 }, NOW)).removed).toEqual([second]);
  expect(kept()).toEqual([third, other].sort());
});

test('none is kept for longer than its time', async () => {
  const old = movedAside('0', 5);
  const young = movedAside('1', 4);
  const limits = { asideKeep: 3, asideKeepMs: 5 * HOUR };
  expect(await tidyAside(aside, limits, NOW)).toEqual({ kept: 1, removed: [old] });
  expect(await tidyAside(aside, limits, NOW + 2 * HOUR)).toEqual({ kept: 0, removed: [young] });
});

test('a journal that was written last long ago has its time from when it was moved', async () => {
  const folder = join(temporary.path, 'journal', '0');
  mkdirSync(folder, { recursive: true });
  utimesSync(folder, 0, 0);
  const path = quarantine(folder, aside);
  expect((await tidyAside(aside, { asideKeep: 1, asideKeepMs: HOUR }, Date.now())).removed).toEqual([]);
  expect(existsSync(path)).toBe(true);
});

test('nothing was ever moved: nothing to do; what is no journal is left alone', async () => {
  expect(await tidyAside(aside, { asideKeep: 0, asideKeepMs: 1 }, NOW)).toEqual({ kept: 0, removed: [] });
  mkdirSync(join(aside, 'notes'), { recursive: true });
  writeFileSync(join(aside, 'report-1'), 'text');
  movedAside('0', 0);
  await tidyAside(aside, { asideKeep: 0, asideKeepMs: 0 }, NOW);
  expect(readdirSync(aside).sort()).toEqual(['notes', 'report-1']);
});
