import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { content, sha256 } from '../../test/contract/blob-store.ts';
import { BlobMissingError, type BlobStore, BlobUnavailableError } from './blob-store.ts';
import { FolderBlobStore } from './folder-blob-store.ts';
import { referencedBlobStore } from './referenced-blob-store.ts';

const LATER = Date.now() + 3_600_000;
let folder: string;
let before: BlobStore;
let now: BlobStore;
let both: BlobStore;

/** On the disk as the folder store has it, under another name. */
function storeCalled(name: string): BlobStore {
  const store = new FolderBlobStore(join(folder, name));
  return {
    name,
    put: (...blob) => store.put(...blob),
    get: (id) => store.get(id),
    retireBefore: (time) => store.retireBefore(time),
    check: () => store.check(),
  };
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-stores-'));
  [before, now] = [storeCalled('before'), storeCalled('now')];
  both = referencedBlobStore(now, [before]);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('what an older reference names is read from the store that it names', async () => {
  await before.put(sha256, content);
  expect(await both.get(sha256, 'before')).toEqual(content);
  await expect(both.get(sha256, 'now')).rejects.toThrow(BlobMissingError);
});

test('what is written goes to the store of the settings, whose name goes into the reference', async () => {
  await both.put(sha256, content);
  expect(both.name).toBe('now');
  expect(await now.get(sha256)).toEqual(content);
  expect(await both.get(sha256, both.name)).toEqual(content);
  await expect(before.get(sha256)).rejects.toThrow(BlobMissingError);
});

test('a store that is not set up makes the blob wait, not get lost', async () => {
  const read = both.get(sha256, 's3');
  await expect(read).rejects.toThrow(BlobUnavailableError);
  await expect(read).rejects.toThrow("'s3' is not set up here, only now, before");
});

test('blobs are retired from both, and from the one where the other fails', async () => {
  await before.put(sha256, content);
  await now.put(sha256, content);
  expect(await both.retireBefore(LATER)).toBe(2);
  await before.put(sha256, content);
  const away: BlobStore = { ...now, retireBefore: () => Promise.reject(new BlobUnavailableError('away')) };
  await expect(referencedBlobStore(away, [before]).retireBefore(LATER)).rejects.toThrow('away');
  await expect(before.get(sha256)).rejects.toThrow(BlobMissingError);
});
