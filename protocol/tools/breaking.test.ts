import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compareWithReleases, release } from './breaking.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-breaking-'));
  await cp('buf.yaml', join(folder, 'buf.yaml'));
  await cp('protocol/proto', join(folder, 'protocol/proto'), { recursive: true });
  release(folder, '1.2.3');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('what has not changed breaks nothing', () => {
  expect(compareWithReleases(folder)).toEqual([{ version: '1.2.3', broken: [] }]);
});

test.each([
  ['a field that changes its type', 'string text = 5;', 'uint32 text = 5;'],
  ['a field that changes its number', 'string text = 5;', 'string text = 50;'],
  ['a field that changes its JSON name', 'string text = 5;', 'string content = 5;'],
  ['a field that goes away', 'string text = 5;', ''],
])('%s is found', async (_what, before, after) => {
  await edit('ocr/v1m0/ocr.proto', before, after);
  const [comparison] = compareWithReleases(folder);
  expect(comparison!.version).toBe('1.2.3');
  expect(comparison!.broken.join('\n')).toMatch(/ocr\.proto/);
});

test('a field that is added breaks nothing', async () => {
  await edit('ocr/v1m0/ocr.proto', 'string text = 5;', 'string text = 5;\n  string language = 8;');
  expect(compareWithReleases(folder)).toEqual([{ version: '1.2.3', broken: [] }]);
});

test('a released version is never written over', () => {
  expect(() => release(folder, '1.2.3')).toThrow(/released already/);
});

async function edit(file: string, before: string, after: string): Promise<void> {
  const path = join(folder, 'protocol/proto', file);
  const text = await readFile(path, 'utf8');
  expect(text).toContain(before);
  await writeFile(path, text.replace(before, after));
}
