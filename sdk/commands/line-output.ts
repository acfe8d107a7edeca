/** Where a command's lines go: stdout or a file, no faster than it takes them. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { UsageError } from './errors.ts';

export interface LineOutput {
  /** Resolves when there is room for more. */
  write(line: string): Promise<void>;
  /** Resolves when everything is where it belongs. */
  end(): Promise<void>;
}

/** @param file appended to; undefined for stdout. @throws {UsageError} it cannot be opened */
export async function openLineOutput(file: string | undefined): Promise<LineOutput> {
  const stream: Writable = file === undefined ? process.stdout : await opened(file);
  let fault: Error | undefined;
  // A reader of stdout that has gone away ends the process (sluice.ts); a full disk is an error of the next line.
  if (file !== undefined) stream.on('error', (error) => (fault = error));
  return {
    async write(line) {
      if (fault !== undefined) throw fault;
      if (!stream.write(`${line}\n`)) await once(stream, 'drain');
    },
    async end() {
      if (file === undefined) await new Promise<void>((resolve) => stream.write('', () => resolve()));
      else await new Promise<void>((resolve) => stream.end(resolve));
      if (fault !== undefined) throw fault;
    },
  };
}

async function opened(file: string): Promise<Writable> {
  const stream = createWriteStream(file, { flags: 'a' });
  try {
    await once(stream, 'open');
    return stream;
  } catch (cause) {
    throw new UsageError(`--output ${file} cannot be written: ${(cause as Error).message}`, { cause });
  }
}
