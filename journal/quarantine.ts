/** Moves a damaged journal out of the way, whole and untouched, so that the caller can rebuild it from the log. */
import { existsSync, mkdirSync, renameSync, utimesSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { journalError } from './errors.ts';
import { syncFolder } from './volume-files.ts';

/**
 * Moves `folder` into the folder `aside` (created where needed, on the same file system) under the first free name
 * `<name>-<n>`. Close its writer and readers first: they would go on with the files that they hold open.
 *
 * @returns the new path
 * @throws {JournalUnavailableError}
 */
export function quarantine(folder: string, aside: string): string {
  try {
    mkdirSync(aside, { recursive: true });
    let n = 1;
    while (existsSync(join(aside, `${basename(folder)}-${n}`))) n++;
    const target = join(aside, `${basename(folder)}-${n}`);
    renameSync(folder, target);
    // From now on it is kept for a time (aside.ts).
    const now = new Date();
    utimesSync(target, now, now);
    syncFolder(dirname(folder));
    syncFolder(aside);
    return target;
  } catch (error) {
    throw journalError(error, folder);
  }
}
