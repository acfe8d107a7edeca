/**
 * Makes a folder and those above it. Node's own recursive mkdir never returns where a file system answers "no such folder" to
 * making something in a folder that is there, as /proc does.
 */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** A folder cannot be made. `code` is that of the operating system, such as EACCES, ENOSPC, ENOTDIR. */
export class FolderError extends Error {
  override readonly name = 'FolderError';
  readonly code: string | undefined;
  constructor(path: string, cause: NodeJS.ErrnoException) {
    super(`the folder ${path} cannot be made: ${cause.message}`, { cause });
    this.code = cause.code;
  }
}

/** @param mode of each folder that is made @throws {FolderError} */
export function makeFolder(path: string, mode = 0o777): void {
  try {
    make(path, mode, true);
  } catch (error) {
    throw new FolderError(path, error as NodeJS.ErrnoException);
  }
}

function make(path: string, mode: number, alsoAbove: boolean): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // There already, perhaps where nothing may be made, or made by another process meanwhile.
    if (isFolder(path)) return;
    const above = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !alsoAbove || isFolder(above)) throw error;
    make(above, mode, true);
    make(path, mode, false);
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
