/** Puts a copy of a journal in its place, proven before it is there. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../protocol/make-folder.ts';
import { backup } from './backup.ts';
import { journalError } from './errors.ts';
import { quarantine } from './quarantine.ts';
import type { Verification } from './verify.ts';
import { syncFolder } from './volume-files.ts';
import { lockForWriting } from './writer-lock.ts';

/**
 * Copies the journal in `copy` to `folder`. A journal that is there already is moved aside whole, never mixed with the copy.
 * The writer that opens the folder next goes on from the position of the copy, with what came since from the log.
 *
 * @param aside where a journal that is in the way is moved to, on the same file system
 * @returns what was found in the restored journal, and where the one before it is now
 * @throws {JournalInUseError} a writer has `folder` open
 * @throws {JournalMissingError | JournalDamagedError} of the copy; `folder` is as it was
 * @throws {JournalUnavailableError | FolderError} the disk
 */
export function restore(
  copy: string,
  folder: string,
  aside: string,
): { verification: Verification; movedTo: string | undefined } {
  const arriving = `${folder}.restored`;
  makeFolder(dirname(folder));
  const verification = backup(copy, arriving);
  let movedTo: string | undefined;
  try {
    if (existsSync(folder)) {
      const lock = lockForWriting(folder);
      try {
        movedTo = quarantine(folder, aside);
      } finally {
        lock.release();
      }
    }
    renameSync(arriving, folder);
    syncFolder(dirname(folder));
  } catch (error) {
    rmSync(arriving, { recursive: true, force: true });
    throw journalError(error, folder);
  }
  return { verification, movedTo };
}
