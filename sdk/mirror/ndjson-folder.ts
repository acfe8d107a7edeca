/**
 * A mirror in a folder: `messages-<epoch>-<first offset>.ndjson` files and `position.json`, which also says how long the
 * current file is. What a crash has left behind that length is cut off at the next start, so nothing is there twice.
 *
 * Bytes reach the disk before the position that counts them, and a file is named in the position before it gets its first
 * byte: whatever the position does not know is behind the end of the one file that it names.
 */
import { type FileHandle, open, readdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../protocol/make-folder.ts';
import { syncFolder } from '../../protocol/sync-folder.ts';
import type { MirroredMessage, MirrorPosition, MirrorTarget } from '../client/mirror.ts';

interface Stored extends MirrorPosition {
  readonly file: string;
  readonly bytes: number;
}

const DEFAULT_FILE_BYTES = 64 << 20;
const MESSAGE_FILE = /^messages-[0-9a-z]+-\d{16}\.ndjson$/;

/** The folder holds messages whose position is gone: what is in it cannot be continued. */
export class ForeignFolderError extends Error {
  override readonly name = 'ForeignFolderError';
}

export interface NdjsonFolder extends MirrorTarget {
  close(): Promise<void>;
}

/**
 * One process at a time may have a folder open; the caller sees to that.
 *
 * @param fileBytes a file larger than this is followed by a new one
 * @throws {ForeignFolderError | FolderError}
 */
export async function openNdjsonFolder(folder: string, fileBytes: number = DEFAULT_FILE_BYTES): Promise<NdjsonFolder> {
  makeFolder(folder);
  let stored = await readPosition(folder);
  let file: FileHandle | undefined;
  if (stored !== undefined) {
    file = await open(join(folder, stored.file), 'r+');
    await file.truncate(stored.bytes);
  }

  /** The file that the messages belong into. */
  async function fileFor(first: number, epoch: string): Promise<{ handle: FileHandle; known: Stored }> {
    if (file !== undefined && stored !== undefined && stored.bytes < fileBytes && stored.epoch === epoch) {
      return { handle: file, known: stored };
    }
    await file?.close();
    const name = `messages-${epoch}-${String(first).padStart(16, '0')}.ndjson`;
    file = await open(join(folder, name), 'w');
    // Nothing wanted lies between the position so far and the first message.
    const known = { epoch, offset: first - 1, file: name, bytes: 0 };
    await writePosition(folder, known);
    stored = known;
    return { handle: file, known };
  }

  return {
    position: async () => (stored === undefined ? undefined : { epoch: stored.epoch, offset: stored.offset }),
    async append(messages: readonly MirroredMessage[], position: MirrorPosition) {
      const first = messages[0]?.message.offset ?? position.offset + 1;
      const { handle, known } = await fileFor(first, position.epoch);
      const data = Buffer.from(messages.map(({ json }) => `${json}\n`).join(''));
      for (let at = 0; at < data.length; ) {
        const { bytesWritten } = await handle.write(data, at, data.length - at, known.bytes + at);
        at += bytesWritten;
      }
      if (data.length > 0) await handle.datasync();
      const next = { ...position, file: known.file, bytes: known.bytes + data.length };
      await writePosition(folder, next);
      stored = next;
    },
    close: async () => {
      await file?.close();
      file = undefined;
    },
  };
}

async function readPosition(folder: string): Promise<Stored | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'position.json'), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  // An empty file is what a crash leaves that came before the very first position.
  for (const name of await readdir(folder)) {
    if (MESSAGE_FILE.test(name) && (await stat(join(folder, name))).size > 0) {
      throw new ForeignFolderError(`${folder} holds ${name} but no position.json: choose another folder, or empty it`);
    }
  }
  return undefined;
}

/** Whole or not at all: a rename replaces the old one. */
async function writePosition(folder: string, stored: Stored): Promise<void> {
  const draft = join(folder, 'position.json.new');
  const handle = await open(draft, 'w');
  await handle.writeFile(JSON.stringify(stored));
  await handle.datasync();
  await handle.close();
  await rename(draft, join(folder, 'position.json'));
  await syncFolder(folder);
}
