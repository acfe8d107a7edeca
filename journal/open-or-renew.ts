/**
 * Opens a journal for writing whatever state it is in: one that can no longer serve is moved aside, whole and untouched, and begun
 * anew, to be filled from the log with the same offsets.
 */
import { EpochMismatchError, JournalBehindError, JournalDamagedError } from './errors.ts';
import { quarantine } from './quarantine.ts';
import { listVolumes } from './volume-files.ts';
import { type JournalWriter, openJournalWriter } from './writer.ts';
import type { JournalWriterOptions } from './writer-options.ts';

export interface OpenedJournal {
  readonly writer: JournalWriter;
  /** There was none, or none that could serve: everything that the log has is still to come. */
  readonly isNew: boolean;
  /** Where the one before was moved to, and why. */
  readonly moved: { readonly to: string; readonly detail: string } | undefined;
}

/**
 * @param aside folder for journals that cannot serve: damaged, of another epoch, or ending before `options.start`, so that what
 *   lies between could never be had again
 * @throws {JournalInUseError | JournalUnavailableError | JournalFormatError}
 */
export function openOrRenewJournal(folder: string, aside: string, options: JournalWriterOptions): OpenedJournal {
  const isNew = !holdsVolumes(folder);
  try {
    return { writer: openUpToDate(folder, options), isNew, moved: undefined };
  } catch (error) {
    const isUseless =
      error instanceof EpochMismatchError ||
      error instanceof JournalDamagedError ||
      error instanceof JournalBehindError;
    if (!isUseless) throw error;
    const to = quarantine(folder, aside);
    return { writer: openJournalWriter(folder, options), isNew: true, moved: { to, detail: error.message } };
  }
}

function holdsVolumes(folder: string): boolean {
  try {
    return listVolumes(folder).length > 0;
  } catch {
    return false;
  }
}

function openUpToDate(folder: string, options: JournalWriterOptions): JournalWriter {
  const writer = openJournalWriter(folder, options);
  const { start = 0 } = options;
  const { position } = writer;
  if (position >= start) return writer;
  writer.close();
  throw new JournalBehindError(folder, position, start);
}
