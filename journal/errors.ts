/** Everything that a journal can refuse or suffer, as types: callers decide by class, people read the message. */

/** The folder holds the journal of another incarnation of the log: its offsets mean nothing here. */
export class EpochMismatchError extends Error {
  override readonly name = 'EpochMismatchError';
  readonly expected: string;
  readonly found: string;
  constructor(folder: string, expected: string, found: string) {
    super(`the journal in ${folder} belongs to epoch '${found}', not '${expected}': move it aside and rebuild it`);
    this.expected = expected;
    this.found = found;
  }
}

/** The log has retired records that the journal never got: going on would hide that they are missing. */
export class JournalBehindError extends Error {
  override readonly name = 'JournalBehindError';
  constructor(folder: string, position: number, start: number) {
    super(`the journal in ${folder} ends before offset ${position}, and the log has only what comes from ${start} on`);
  }
}

/** The disk is full or does not answer. Nothing of the batch is in the journal; the same call may be repeated later. */
export class JournalUnavailableError extends Error {
  override readonly name = 'JournalUnavailableError';
}

/** What is on the disk is not what was written. Reading on would hand out nonsense: quarantine the folder and rebuild. */
export class JournalDamagedError extends Error {
  override readonly name = 'JournalDamagedError';
}

/** There is no journal in the folder (readers never create one). */
export class JournalMissingError extends Error {
  override readonly name = 'JournalMissingError';
  constructor(folder: string) {
    super(`there is no journal in ${folder}`);
  }
}

/** Another process or thread already writes this journal. */
export class JournalInUseError extends Error {
  override readonly name = 'JournalInUseError';
  constructor(folder: string) {
    super(`the journal in ${folder} already has a writer`);
  }
}

/** A batch whose offsets do not rise strictly below its position: a fault of the caller, never retried. */
export class BatchOrderError extends Error {
  override readonly name = 'BatchOrderError';
}

/** The journal was written by another version of Sluice. */
export class JournalFormatError extends Error {
  override readonly name = 'JournalFormatError';
  constructor(file: string, found: number, expected: number) {
    super(`${file} has journal format ${found}; this version reads ${expected}`);
  }
}

/**
 * The typed form of what better-sqlite3 threw; anything that is not about the disk comes back as it is.
 *
 * @param file named in the message
 */
export function journalError(error: unknown, file: string): unknown {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    return new JournalDamagedError(`${file} is damaged: ${(error as Error).message}`, { cause: error });
  }
  if (
    /^(SQLITE_(FULL|IOERR|BUSY|LOCKED|CANTOPEN|READONLY|NOMEM|PROTOCOL)|ENOSPC|EIO|EDQUOT|EROFS|EMFILE|ENFILE)/.test(
      code,
    )
  ) {
    return new JournalUnavailableError(`${file} cannot be used now: ${(error as Error).message}`, { cause: error });
  }
  return error;
}
