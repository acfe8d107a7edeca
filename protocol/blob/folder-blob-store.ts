/** Blobs as files of a folder, spread over 256 sub-folders by the first two digits of their name. */
import { randomUUID } from 'node:crypto';
import { access, constants, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '../sync-folder.ts';
import {
  BlobDamagedError,
  BlobMissingError,
  type BlobStore,
  BlobUnavailableError,
  blobKey,
  checkBlob,
} from './blob-store.ts';

const DRAFT = /\.draft$/;
const MAX_BYTES = 64 << 20;

export class FolderBlobStore implements BlobStore {
  readonly name = 'folder';
  readonly #folder: string;
  readonly #maxBytes: number;

  /** @param maxBytes largest blob that is read */
  constructor(folder: string, maxBytes = MAX_BYTES) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
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

  async check(): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true });
      await access(this.#folder, constants.R_OK | constants.W_OK);
    } catch (cause) {
      throw new BlobUnavailableError(`the folder ${this.#folder} cannot be used`, { cause });
    }
  }

  async #read(sha256: Uint8Array): Promise<Buffer> {
    const path = this.#pathOf(sha256);
    try {
      if ((await stat(path)).size > this.#maxBytes)
        throw new BlobDamagedError(`blob ${blobKey(sha256)} is larger than the ${this.#maxBytes} bytes that are read`);
      return await readFile(path);
    } catch (cause) {
      if (cause instanceof BlobDamagedError) throw cause;
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

async function listOrEmpty(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
