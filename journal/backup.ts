/** Copies a journal while it is being written, and proves the copy by reading all of it. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../protocol/make-folder.ts';
import { JournalDamagedError, JournalMissingError, JournalUnavailableError, journalError } from './errors.ts';
import { type Verification, verifyJournal } from './verify.ts';
import { listVolumes, syncFile, syncFolder, volumePath } from './volume-files.ts';
import { VolumeReader } from './volume-reader.ts';

/**
 * Copies the journal in `folder` to `target`, which appears only once the copy has been verified. Each volume is copied as
 * of one moment (VACUUM INTO), oldest first, so the copy ends at the position that it names and a writer that opens it
 * goes on from there. Safe beside a running writer, as long as that retires no volume meanwhile.
 *
 * @throws {JournalMissingError}
 * @throws {JournalDamagedError} the copy does not verify, so the original is damaged
 * @throws {FolderError} `target` cannot be made
 * @throws {JournalUnavailableError} `target` exists, the disk is full, or a volume was retired; no copy is left behind
 */
export function backup(folder: string, target: string): Verification {
  const bases = listVolumes(folder);
  if (bases.length === 0) throw new JournalMissingError(folder);
  if (existsSync(target)) throw new JournalUnavailableError(`${target} exists`);
  const unfinished = `${target}.unfinished`;
  try {
    rmSync(unfinished, { recursive: true, force: true });
    makeFolder(unfinished);
    let next: number | null = null;
    for (const base of bases) next = copyVolume(folder, unfinished, base);
    // The newest was sealed before it was copied: what came since is in the one after it.
    while (next !== null) next = copyVolume(folder, unfinished, next);
    const verification = verifyJournal(unfinished);
    const [finding] = verification.findings;
    if (finding !== undefined) throw new JournalDamagedError(`the copy of ${folder} is damaged: ${finding.detail}`);
    syncFolder(unfinished);
    renameSync(unfinished, target);
    syncFolder(dirname(target));
    return verification;
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw journalError(error, folder);
  }
}

/** @returns the base of the volume after it, as the copy knows it */
function copyVolume(folder: string, target: string, base: number): number | null {
  const from = new VolumeReader(volumePath(folder, base));
  try {
    from.database.prepare('vacuum into ?').run(volumePath(target, base));
  } finally {
    from.close();
  }
  const copy = new VolumeReader(volumePath(target, base));
  try {
    return copy.state().next;
  } finally {
    copy.close();
    syncFile(volumePath(target, base));
  }
}
