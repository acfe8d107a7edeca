/** Blobs as files of a folder, spread over 256 sub-folders by the first two digits of their name. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BlobMissingError, type BlobStore, BlobUnavailableError, blobKey, checkBlob } from './blob-store.ts';

const DRAFT = /\.draft$/;

export class FolderBlobStore implements BlobStore {
  readonly name = 'folder';
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async put(sha256: Uint8Array, content: Uint8Array): Promise<void> {
    const path = this.#pathOf(sha256);
    try {
      if (await touch(path)) return;
      await writeDurably(path, content);
    } catch (cause) {
      throw new BlobUnavailableError(`blob ${blobKey(sha256)} could not be written`, { cause });
    }
  }

  async get(sha256: Uint8Array): Promise<Buffer> {
    const content = await this.#read(sha256);
    checkBlob(sha256, content);
    return content;
  }

  async retireBefore(time: number): Promise<number> {
    let retired = 0;
    for (const shelf of await listOrEmpty(this.#folder)) {
      for (const file of await listOrEmpty(join(this.#folder, shelf))) {
        const path = join(this.#folder, shelf, file);
        if ((await stat(path)).mtimeMs >= time) continue;
        await rm(path);
        if (!DRAFT.test(file)) retired += 1;
      }
    }
    return retired;
  }

  async #read(sha256: Uint8Array): Promise<Buffer> {
    try {
      return await readFile(this.#pathOf(sha256));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
        throw new BlobMissingError(`there is no blob ${blobKey(sha256)}`, { cause });
      throw new BlobUnavailableError(`blob ${blobKey(sha256)} could not be read`, { cause });
    }
  }

  #pathOf(sha256: Uint8Array): string {
    const key = blobKey(sha256);
    return join(this.#folder, key.slice(0, 2), key);
  }
}

/** A blob that is written again is needed for longer: its time is what retirement goes by. @returns whether it is there */
async function touch(path: string): Promise<boolean> {
  const now = new Date();
  try {
    await utimes(path, now, now);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Under another name until it is whole and on the disk, so that a crash never leaves half a blob under its own name. */
async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  const shelf = dirname(path);
  await mkdir(shelf, { recursive: true });
  const draft = `${path}.${randomUUID()}.draft`;
  const file = await open(draft, 'wx');
  try {
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await rename(draft, path);
  await syncFolder(shelf);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function listOrEmpty(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
