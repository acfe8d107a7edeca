/**
 * A mirror in a folder: `messages-<epoch>-<first offset>.ndjson` files and `position.json`, which also says how long the
 * current file is. What a crash has left behind that length is cut off at the next start, so nothing is there twice.
 */
import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Message } from '../client/frames.ts';
import type { MirrorPosition, MirrorTarget } from '../client/mirror.ts';

interface Stored extends MirrorPosition {
  readonly file: string;
  readonly bytes: number;
}

const DEFAULT_FILE_BYTES = 64 << 20;

export interface NdjsonFolder extends MirrorTarget {
  close(): Promise<void>;
}

/** @param fileBytes a file larger than this is followed by a new one */
export async function openNdjsonFolder(folder: string, fileBytes: number = DEFAULT_FILE_BYTES): Promise<NdjsonFolder> {
  await mkdir(folder, { recursive: true });
  let stored = await readPosition(folder);
  let file: FileHandle | undefined;
  if (stored !== undefined) {
    file = await open(join(folder, stored.file), 'r+');
    await file.truncate(stored.bytes);
  }

  async function fileFor(first: number, epoch: string): Promise<{ handle: FileHandle; name: string; bytes: number }> {
    if (file !== undefined && stored !== undefined && stored.bytes < fileBytes && stored.epoch === epoch) {
      return { handle: file, name: stored.file, bytes: stored.bytes };
    }
    await file?.close();
    const name = `messages-${epoch}-${String(first).padStart(16, '0')}.ndjson`;
    file = await open(join(folder, name), 'w');
    return { handle: file, name, bytes: 0 };
  }

  return {
    position: async () => (stored === undefined ? undefined : { epoch: stored.epoch, offset: stored.offset }),
    async append(messages: readonly Message[], position: MirrorPosition) {
      const { handle, name, bytes } = await fileFor(messages[0]!.offset, position.epoch);
      const data = Buffer.from(messages.map((message) => `${JSON.stringify(message)}\n`).join(''));
      await handle.write(data, 0, data.length, bytes);
      await handle.datasync();
      const next = { ...position, file: name, bytes: bytes + data.length };
      await writePosition(folder, next);
      stored = next;
    },
    close: async () => {
      await file?.close();
    },
  };
}

async function readPosition(folder: string): Promise<Stored | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'position.json'), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whole or not at all: a rename replaces the old one. */
async function writePosition(folder: string, stored: Stored): Promise<void> {
  const draft = join(folder, 'position.json.new');
  const handle = await open(draft, 'w');
  await handle.writeFile(JSON.stringify(stored));
  await handle.datasync();
  await handle.close();
  await rename(draft, join(folder, 'position.json'));
}
