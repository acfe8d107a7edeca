import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { FolderError, makeFolder } from './make-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-make-folder-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a folder is made with those above it, and one that is there is left alone', () => {
  const path = join(mkdtempSync(join(folder, 'made-')), 'a/b/c');
  makeFolder(path, 0o700);
  makeFolder(path);
  makeFolder(`${path}/`);
  for (const made of [path, join(path, '..')]) expect(statSync(made).mode & 0o777).toBe(0o700);
});

test('a relative path and a link to a folder are folders as others', () => {
  makeFolder('.');
  const link = join(mkdtempSync(join(folder, 'linked-')), 'link');
  symlinkSync(folder, link);
  makeFolder(link);
});

test('what cannot be made ends with an error that names it', () => {
  const file = join(mkdtempSync(join(folder, 'file-')), 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'below')]) {
    expect(() => makeFolder(path)).toThrow(FolderError);
    expect(() => makeFolder(path)).toThrow(`the folder ${path} cannot be made`);
  }
});
