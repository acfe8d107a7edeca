import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BlobDamagedError, BlobMissingError, BlobUnavailableError } from './blob-store.ts';
import { FolderBlobStore } from './folder-blob-store.ts';

const content = Buffer.from('the encoded image');
const sha256 = createHash('sha256').update(content).digest();
const key = sha256.toString('hex');

let folder: string;
let store: FolderBlobStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-blobs-'));
  store = new FolderBlobStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('what was put is got back', async () => {
  await store.put(sha256, content);
  expect(await store.get(sha256)).toEqual(content);
});

test('putting a blob again changes nothing', async () => {
  await Promise.all([store.put(sha256, content), store.put(sha256, content), store.put(sha256, content)]);
  expect(await readdir(join(folder, key.slice(0, 2)))).toEqual([key]);
});

test('a blob that is not there is missing, not empty', async () => {
  await expect(store.get(sha256)).rejects.toThrow(BlobMissingError);
});

test('a blob whose content was changed is refused', async () => {
  await store.put(sha256, content);
  await writeFile(join(folder, key.slice(0, 2), key), 'another image');
  await expect(store.get(sha256)).rejects.toThrow(BlobDamagedError);
});

test('a folder that cannot be written makes the store unavailable and leaves nothing behind', async () => {
  const file = join(folder, 'file');
  await writeFile(file, 'in the way');
  await expect(new FolderBlobStore(file).put(sha256, content)).rejects.toThrow(BlobUnavailableError);
  expect(await readFile(file, 'utf8')).toBe('in the way');
});

test('retirement removes what is older, keeps what is newer, and a repeated put renews a blob', async () => {
  await store.put(sha256, content);
  expect(await store.retireBefore(Date.now() - 60_000)).toBe(0);
  expect(await store.get(sha256)).toEqual(content);
  expect(await store.retireBefore(Date.now() + 60_000)).toBe(1);
  await expect(store.get(sha256)).rejects.toThrow(BlobMissingError);
});
