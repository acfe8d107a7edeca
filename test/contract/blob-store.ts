/** What every blob store promises: run by the tests of each. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { BlobDamagedError, BlobMissingError, type BlobStore } from '../../protocol/blob/blob-store.ts';

export interface BlobStoreUnderTest {
  /** Empty, reads blobs of up to 1 MiB, renews a blob however young it is. */
  readonly store: BlobStore;
  /** Names of everything that is stored. */
  stored(): Promise<string[]>;
  /** Replaces the content behind the store's back. */
  overwrite(name: string, content: Buffer): Promise<void>;
}

export const content = Buffer.from('the encoded image');
export const sha256 = createHash('sha256').update(content).digest();
const name = sha256.toString('hex');
const MIB = 1 << 20;

export function testBlobStore(open: () => Promise<BlobStoreUnderTest>): void {
  let under: BlobStoreUnderTest;
  let store: BlobStore;
  beforeEach(async () => {
    under = await open();
    store = under.store;
  });

  test('what was put is got back', async () => {
    await store.put(sha256, content);
    expect(await store.get(sha256)).toEqual(content);
  });

  test('a blob as large as the limit is got back, and one of any bytes', async () => {
    const large = Buffer.alloc(MIB, 'any bytes \0\r\n\xff');
    const largeSha256 = createHash('sha256').update(large).digest();
    await store.put(largeSha256, large);
    expect(large.equals(await store.get(largeSha256))).toBe(true);
  });

  test('putting a blob again, and at once, changes nothing', async () => {
    await Promise.all([store.put(sha256, content), store.put(sha256, content), store.put(sha256, content)]);
    await store.put(sha256, content);
    expect(await under.stored()).toEqual([name]);
    expect(await store.get(sha256)).toEqual(content);
  });

  test('a blob that is not there is missing, not empty', async () => {
    await expect(store.get(sha256)).rejects.toThrow(BlobMissingError);
  });

  test('a blob whose content was changed is refused', async () => {
    await store.put(sha256, content);
    await under.overwrite(name, Buffer.from('another image ...'));
    await expect(store.get(sha256)).rejects.toThrow(BlobDamagedError);
  });

  test('a blob that has grown beyond what is read is refused', async () => {
    await store.put(sha256, content);
    await under.overwrite(name, Buffer.alloc(MIB + 1));
    await expect(store.get(sha256)).rejects.toThrow('larger than');
  });

  test('retirement removes what is older and keeps what is newer', async () => {
    await store.put(sha256, content);
    expect(await store.retireBefore(Date.now() - 60_000)).toBe(0);
    expect(await store.get(sha256)).toEqual(content);
    expect(await store.retireBefore(Date.now() + 60_000)).toBe(1);
    await expect(store.get(sha256)).rejects.toThrow(BlobMissingError);
    expect(await store.retireBefore(Date.now() + 60_000)).toBe(0);
  });

  test('a blob that is put again lives on from then', async () => {
    await store.put(sha256, content);
    // Stores may go by whole seconds.
    const later = (Math.floor(Date.now() / 1000) + 2) * 1000;
    while (Date.now() <= later) await sleep(50);
    await store.put(sha256, content);
    expect(await store.retireBefore(later)).toBe(0);
    expect(await store.get(sha256)).toEqual(content);
  });

  test('a store that is there says so', async () => {
    await store.check();
  });
}
