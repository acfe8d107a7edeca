import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { content, sha256, testBlobStore } from '../../test/contract/blob-store.ts';
import { BlobUnavailableError } from './blob-store.ts';
import { FolderBlobStore } from './folder-blob-store.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-blobs-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

testBlobStore(async () => ({
  store: new FolderBlobStore(folder, 1 << 20),
  stored: async () => (await readdir(folder, { recursive: true })).map((path) => path.slice(3)).filter(Boolean),
  overwrite: (name, bytes) => writeFile(join(folder, name.slice(0, 2), name), bytes),
}));

test('a folder that cannot be written makes the store unavailable and leaves nothing behind', async () => {
  const file = join(folder, 'file');
  await writeFile(file, 'in the way');
  const store = new FolderBlobStore(file);
  await expect(store.put(sha256, content)).rejects.toThrow(BlobUnavailableError);
  await expect(store.check()).rejects.toThrow(BlobUnavailableError);
  expect(await readFile(file, 'utf8')).toBe('in the way');
});
