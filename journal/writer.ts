/**
 * The write side of a journal folder: appends batches exactly once, rolls volumes, retires old ones.
 *
 * Synchronous by design: every call returns when its bytes are on the disk. Run it where blocking is harmless, such as a
 * worker thread. After an error nothing of the batch is in the journal, and the same call may simply be repeated.
 */
import { mkdirSync } from 'node:fs';
import {
  type AppendBatch,
  type AppendedSegment,
  type AppendResult,
  appendedSegment,
  checkBatch,
  type Maintenance,
} from './appending.ts';
import { checkpoint } from './checkpoint.ts';
import type { NewEntry } from './entry.ts';
import { EpochMismatchError, journalError } from './errors.ts';
import { quickCheck } from './quick-check.ts';
import { retiredVolumes } from './retention.ts';
import { SealedVolume } from './sealed-volume.ts';
import { draftSegments, type SegmentDraft } from './segment-draft.ts';
import { unseenEntries } from './unseen-entries.ts';
import { createVolume } from './volume-create.ts';
import { fileBytes, listVolumes, removeLitter, removeVolume, syncFolder, volumePath } from './volume-files.ts';
import { OFFSET_SPACE } from './volume-schema.ts';
import { VolumeWriter } from './volume-writer.ts';
import { WalUpkeep } from './wal-upkeep.ts';
import { lockForWriting, type WriterLock } from './writer-lock.ts';
import { DEFAULTS, type JournalWriterOptions } from './writer-options.ts';

/**
 * Opens a journal folder for writing, creating it where needed, and becomes its only writer.
 *
 * @throws {EpochMismatchError} the folder belongs to another incarnation of the log
 * @throws {JournalInUseError} it already has a writer
 * @throws {JournalDamagedError | JournalUnavailableError | JournalFormatError}
 */
export function openJournalWriter(folder: string, options: JournalWriterOptions): JournalWriter {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw journalError(error, folder);
  }
  const lock = lockForWriting(folder);
  try {
    return new JournalWriter(folder, { ...DEFAULTS, ...options }, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

export class JournalWriter {
  readonly folder: string;
  readonly #options: Required<JournalWriterOptions>;
  readonly #lock: WriterLock;
  readonly #sealed: SealedVolume[] = [];
  #active: VolumeWriter | undefined;
  #nextClient = 0;
  readonly #wal: WalUpkeep;
  #closed = false;

  /** Use openJournalWriter. */
  constructor(folder: string, options: Required<JournalWriterOptions>, lock: WriterLock) {
    this.folder = folder;
    this.#options = options;
    this.#lock = lock;
    this.#wal = new WalUpkeep(options.walBytes);
    removeLitter(folder);
    if (listVolumes(folder).length === 0) {
      const { start, epoch, now } = options;
      createVolume(folder, { epoch, base: start, position: start, floor: start, unknownUpTo: start - 1, now });
    }
    const active = this.#open();
    if (options.check) quickCheck(active.database, active.path);
  }

  /** Offset of the next record to consume from the source partition. */
  get position(): number {
    return this.#open().state.position;
  }

  /**
   * Appends a batch and moves the position, in one transaction. Idempotent: what lies below the position is skipped.
   *
   * @throws {JournalUnavailableError} nothing was appended; repeat later
   * @throws {EpochMismatchError | BatchOrderError | JournalDamagedError}
   */
  appendBatch(batch: AppendBatch): AppendResult {
    checkBatch(this.folder, this.#options.epoch, batch);
    let active = this.#open();
    const known = active.state.position;
    const fresh = batch.entries.filter((entry) => entry.offset >= known);
    const replayed = batch.entries.length - fresh.length;
    if (batch.position <= known) {
      return {
        appended: 0,
        duplicates: 0,
        replayed,
        position: known,
        segments: [],
        rolled: false,
        walBytes: active.walBytes,
      };
    }
    const rolled = this.#isDue(active, batch.now, fresh);
    if (rolled) active = this.#roll(active, fresh[0]?.offset ?? known, batch.now);
    return this.#guard(active, () => {
      const { byClient, ids, duplicates } = unseenEntries(fresh, [active, ...this.#sealed]);
      const segments: SegmentDraft[] = [];
      const appended: AppendedSegment[] = [];
      for (const [client, entries] of byClient) {
        const head = active.head(client, () => this.#nextClient++);
        for (const segment of draftSegments(head, entries, this.#options.segmentBytes)) {
          segments.push(segment);
          appended.push(appendedSegment(segment));
        }
      }
      active.append(segments, ids, batch.position, batch.now);
      return {
        appended: ids.size,
        duplicates,
        replayed,
        position: batch.position,
        segments: appended,
        rolled,
        walBytes: this.#wal.afterAppend(active),
      };
    });
  }

  /**
   * Moves the WAL into the database when it is three quarters full. To be called after an append, once those who wait for it
   * have been told: it takes some milliseconds, which `appendBatch` otherwise takes itself before it returns.
   *
   * @throws {JournalUnavailableError | JournalDamagedError}
   */
  tidy(): void {
    const active = this.#open();
    this.#guard(active, () => this.#wal.tidy(active));
  }

  /**
   * Rolls the volume if its span has passed and removes volumes that retention no longer wants, oldest first, never the
   * newest. Call it now and then, a minute apart or so.
   *
   * @throws {JournalUnavailableError | JournalDamagedError}
   */
  maintain(input: { readonly now: number }): Maintenance {
    let active = this.#open();
    const rolled = this.#isDue(active, input.now);
    if (rolled) active = this.#roll(active, active.state.position, input.now);
    const retired = retiredVolumes(this.#sealed, fileBytes(active.path), input.now, this.#options);
    if (retired.length > 0) {
      this.#guard(active, () => {
        const rest = this.#sealed.slice(retired.length);
        // First on the disk that they are gone, then the files: a crash in between leaves litter, never a hole.
        active.setFloor(rest[0]?.base ?? active.state.base);
        for (const volume of this.#sealed.splice(0, retired.length)) {
          volume.close();
          removeVolume(this.folder, volume.base);
        }
        syncFolder(this.folder);
      });
    }
    return { rolled, retired };
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#discard();
    this.#lock.release();
  }

  /** The newest volume; after an error it is opened anew, which reads from the disk what really is there. */
  #open(): VolumeWriter {
    if (this.#closed) throw new Error('the journal writer is closed');
    if (this.#active !== undefined) return this.#active;
    const bases = listVolumes(this.folder);
    const newest = bases.at(-1);
    if (newest === undefined) throw new Error(`${this.folder} has lost its volumes`);
    const active = new VolumeWriter(volumePath(this.folder, newest));
    try {
      if (active.state.epoch !== this.#options.epoch) {
        throw new EpochMismatchError(this.folder, this.#options.epoch, active.state.epoch);
      }
      for (const base of bases.slice(0, -1)) {
        if (base < active.state.floor) removeVolume(this.folder, base);
        else this.#sealed.push(new SealedVolume(this.folder, base));
      }
      const previous = this.#sealed.at(-1);
      // A crash between the creation of a volume and the sealing of the one before it is made good here.
      if (previous !== undefined) sealVolume(this.folder, previous.base, newest);
      this.#nextClient = active.greatestClientNumber() + 1;
    } catch (error) {
      active.close();
      this.#discard();
      throw journalError(error, active.path);
    }
    this.#active = active;
    return active;
  }

  #discard(): void {
    this.#active?.close();
    this.#active = undefined;
    for (const volume of this.#sealed.splice(0)) volume.close();
  }

  #guard<Result>(active: VolumeWriter, work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      this.#discard();
      throw journalError(error, active.path);
    }
  }

  #isDue(active: VolumeWriter, now: number, entries: readonly NewEntry[] = []): boolean {
    const { base, created, maxMessage } = active.state;
    const outgrows = entries.length > 0 && entries.at(-1)!.offset - base >= OFFSET_SPACE;
    if (outgrows) return entries[0]!.offset > base;
    if (maxMessage === null) return false;
    return now - created >= this.#options.volumeSpanMs || fileBytes(active.path) >= this.#options.volumeBytes;
  }

  #roll(active: VolumeWriter, base: number, now: number): VolumeWriter {
    return this.#guard(active, () => {
      const { epoch, position, floor } = active.state;
      checkpoint(active.database, 0);
      createVolume(this.folder, { epoch, base, position, floor, now, previous: active.path });
      active.seal(base);
      this.#discard();
      return this.#open();
    });
  }
}

function sealVolume(folder: string, base: number, next: number): void {
  const volume = new VolumeWriter(volumePath(folder, base));
  try {
    if (volume.state.next === null) volume.seal(next);
  } finally {
    volume.close();
  }
}
