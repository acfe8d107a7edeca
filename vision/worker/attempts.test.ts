import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Attempts } from './attempts.ts';

const DAY = 24 * 3_600_000;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-attempts-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What a process that is killed leaves: its marks, and nothing said about them. */
function die(...images: string[]): void {
  const attempts = new Attempts(folder, 0);
  for (const image of images) attempts.begin(image, 0);
  attempts.close();
}

test('only images in work when the process died have died', () => {
  const attempts = new Attempts(folder, 0);
  for (const image of ['done', 'handed back', 'in work']) attempts.begin(image, 0);
  attempts.finish('done');
  attempts.release('handed back');
  attempts.close();
  const next = new Attempts(folder, 0);
  expect(['done', 'handed back', 'in work', 'never seen'].map((image) => next.deaths(image))).toEqual([0, 0, 1, 0]);
  next.close();
});

test('deaths add up until the image is done with', () => {
  die('a', 'b');
  die('a');
  const attempts = new Attempts(folder, 0);
  expect(attempts.deaths('a')).toBe(2);
  expect(attempts.deaths('b')).toBe(1);
  attempts.begin('a', 0);
  attempts.finish('a');
  expect(attempts.deaths('a')).toBe(0);
  attempts.close();
});

test('a mark survives the process being killed', () => {
  const module = new URL('./attempts.ts', import.meta.url).href;
  const script = `
    const { Attempts } = await import(${JSON.stringify(module)});
    new Attempts(${JSON.stringify(folder)}, 0).begin('killed', 0);
    process.kill(process.pid, 'SIGKILL');`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  expect(signal).toBe('SIGKILL');
  const attempts = new Attempts(folder, 0);
  expect(attempts.deaths('killed')).toBe(1);
  attempts.close();
});

test('marks of images that never came again are forgotten', () => {
  die('gone');
  const attempts = new Attempts(folder, 8 * DAY);
  expect(attempts.deaths('gone')).toBe(0);
  attempts.close();
});
