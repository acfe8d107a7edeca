/** The write side of one volume, and what it keeps of it in memory between batches. */
import Database from 'better-sqlite3';
import { CHAIN_START } from './chain-hash.ts';
import { JournalDamagedError, JournalFormatError, journalError } from './errors.ts';
import type { ClientHead, SegmentDraft } from './segment-draft.ts';
import { compareMessageIds, type StoredMessageId } from './stored-message-id.ts';
import { remember, VolumeNames } from './volume-names.ts';
import { ANY_CLIENT, FORMAT, MAX_CLIENTS, OFFSET_SPACE, PAGE_BYTES } from './volume-schema.ts';
import { prepareWriteStatements, ROWS_AT_ONCE } from './volume-write-statements.ts';

/** How long a statement waits for another connection's lock: only ever needed while a crashed writer's WAL is recovered. */
const BUSY_MS = 5_000;

/** A page and its header. */
const WAL_FRAME_BYTES = PAGE_BYTES + 24;
/** Pages that a commit changes at most, as a rule: of its own, and for the row and the index rows of an entry. */
const COMMIT_PAGES = 12;
const ENTRY_PAGES = 6;

type EntryColumns = (number | string | Buffer | null)[];

export interface VolumeState {
  readonly epoch: string;
  readonly base: number;
  readonly created: number;
  readonly appended: number;
  readonly position: number;
  readonly floor: number;
  readonly next: number | null;
  readonly minMessage: StoredMessageId | null;
  readonly maxMessage: StoredMessageId | null;
}

export class VolumeWriter {
  readonly path: string;
  readonly database: Database.Database;
  #state: VolumeState;
  readonly #heads = new Map<string, ClientHead>();
  readonly #names: VolumeNames;
  readonly #statements: ReturnType<typeof prepareWriteStatements>;
  /** Number of the next entry. */
  #row: number;
  #walBytes = 0;

  /** @throws {JournalUnavailableError | JournalDamagedError | JournalFormatError} */
  constructor(path: string) {
    this.path = path;
    let database: Database.Database | undefined;
    try {
      database = new Database(path, { fileMustExist: true, timeout: BUSY_MS });
      // Already so, except in a copy made by VACUUM INTO.
      database.pragma('journal_mode = WAL');
      // FULL: what was acknowledged survives a power cut. It costs one fsync a batch.
      database.pragma('synchronous = FULL');
      // Checkpoints are the journal's own (checkpoint.ts): an automatic one starves under constant readers.
      database.pragma('wal_autocheckpoint = 0');
      this.#state = readState(database, path);
      this.#statements = prepareWriteStatements(database);
      this.#names = new VolumeNames(this.#statements);
      this.#row = (this.#statements.greatestRow.get() ?? 0) + 1;
      this.database = database;
      // A WAL may be there from before.
      this.walReaches(0);
    } catch (error) {
      database?.close();
      throw journalError(error, path);
    }
  }

  get state(): VolumeState {
    return this.#state;
  }

  /** The client's head; for a client never seen, one with a new number that the next append will store. */
  head(name: string, newNumber: () => number): ClientHead {
    const known = this.#heads.get(name);
    if (known !== undefined) return known;
    const row = this.#statements.head.get(name);
    if (row !== undefined) {
      remember(this.#heads, name, row);
      return row;
    }
    const no = newNumber();
    if (no > MAX_CLIENTS) throw new RangeError(`a partition holds at most ${MAX_CLIENTS} clients`);
    const head = this.#statements.head.get(ANY_CLIENT)?.head ?? -1;
    return { no, name, head, count: 0, time: 0, bytes: 0, chain: CHAIN_START };
  }

  greatestClientNumber(): number {
    return this.#statements.greatestClient.get() ?? 0;
  }

  holdsMessage(id: StoredMessageId): boolean {
    const { minMessage, maxMessage } = this.#state;
    if (minMessage === null || maxMessage === null) return false;
    if (compareMessageIds(id, minMessage) < 0 || compareMessageIds(id, maxMessage) > 0) return false;
    return this.#statements.holdsMessage.get(id) !== undefined;
  }

  /**
   * Commits segments and the position in one transaction. After a throw this object must not be used again: the caller
   * closes it and opens another, which reads from the disk what really is there.
   */
  append(
    segments: readonly SegmentDraft[],
    ids: ReadonlyMap<number, StoredMessageId>,
    position: number,
    now: number,
  ): void {
    const state: VolumeState = { ...this.#state, position, appended: now, ...this.#messageRange(ids) };
    const start = segments.reduce((least, { first }) => Math.min(least, first), position) - state.base;
    this.#statements.begin.run();
    const rows: EntryColumns[] = [];
    for (const segment of segments) this.#insertSegment(segment, start, ids, rows);
    this.#insertEntries(rows);
    this.#statements.setState.run(state.appended, state.position, state.minMessage, state.maxMessage);
    this.#statements.commit.run();
    this.#state = state;
    const bytes = segments.reduce((sum, { data }) => sum + data.length, 0);
    this.#walBytes += 2 * bytes + WAL_FRAME_BYTES * (COMMIT_PAGES + segments.length + ENTRY_PAGES * rows.length);
  }

  /** Of the WAL, at most so much has been written and is not yet, or not wholly, in the database. */
  get walBytes(): number {
    return this.#walBytes;
  }

  /** Whether the WAL really is so long: SQLite is asked only where it may be, since its answer costs as much as a row. */
  walReaches(bytes: number): boolean {
    if (this.#walBytes < bytes) return false;
    const { log, checkpointed } = this.#statements.wal.get()!;
    this.#walBytes = log === checkpointed ? 0 : log * WAL_FRAME_BYTES;
    return this.#walBytes >= bytes;
  }

  setFloor(floor: number): void {
    this.#statements.setFloor.run(floor);
    this.#state = { ...this.#state, floor };
  }

  seal(next: number): void {
    this.#statements.setNext.run(next);
    this.#state = { ...this.#state, next };
  }

  close(): void {
    this.database.close();
  }

  #insertSegment(
    segment: SegmentDraft,
    start: number,
    ids: ReadonlyMap<number, StoredMessageId>,
    rows: EntryColumns[],
  ): void {
    const { base } = this.#state;
    const { head, entries, data } = segment;
    const last = head.head - base;
    if (last >= OFFSET_SPACE) throw new RangeError(`offset ${head.head} lies too far past its volume's base ${base}`);
    const statements = this.#statements;
    statements.setHead.run(head.no, head.name, head.head, head.count, head.time, head.bytes, head.chain);
    remember(this.#heads, head.name, head);
    const { firstTime, lastTime, crc } = segment;
    const sums = [this.#row, entries.length, head.count, head.bytes, firstTime, lastTime, head.time, crc];
    statements.insertSegment.run(head.no, last, segment.first - base, ...sums, data);
    for (const draft of entries) {
      const { entry, prev, ordinal, position, length, chain } = draft;
      const offset = entry.offset - base;
      const labels = entry.labels.length === 0 ? null : this.#names.labels(entry.labels);
      if (labels !== null) for (const label of labels) statements.insertEntryLabel.run(label, this.#row);
      const type = this.#names.type(entry.type);
      const transaction = this.#names.transaction(head.no, entry.transaction, offset);
      const id = ids.get(entry.offset)!;
      const { time, confidence } = entry;
      rows.push([
        ...[this.#row++, start, last, offset, prev, ordinal, time, type, transaction],
        ...[id, confidence, labels === null ? null : labels.join(), position, length, chain],
      ]);
    }
  }

  /** Several rows a statement: a call from JavaScript costs about as much as the row itself. */
  #insertEntries(rows: readonly EntryColumns[]): void {
    let i = 0;
    for (; i + ROWS_AT_ONCE <= rows.length; i += ROWS_AT_ONCE) {
      this.#statements.insertEntries.run(rows.slice(i, i + ROWS_AT_ONCE).flat());
    }
    for (; i < rows.length; i++) this.#statements.insertEntry.run(rows[i]!);
  }

  #messageRange(ids: ReadonlyMap<number, StoredMessageId>): Pick<VolumeState, 'minMessage' | 'maxMessage'> {
    let { minMessage, maxMessage } = this.#state;
    for (const id of ids.values()) {
      if (minMessage === null || compareMessageIds(id, minMessage) < 0) minMessage = id;
      if (maxMessage === null || compareMessageIds(id, maxMessage) > 0) maxMessage = id;
    }
    return { minMessage, maxMessage };
  }
}

function readState(database: Database.Database, path: string): VolumeState {
  const row = database
    .prepare<[], VolumeState & { format: number }>(
      `select format, epoch, base, created, appended, position, floor, next,
              min_message as minMessage, max_message as maxMessage from volume`,
    )
    .get();
  if (row === undefined) throw new JournalDamagedError(`${path} has no volume row`);
  const { format, ...state } = row;
  if (format !== FORMAT) throw new JournalFormatError(path, format, FORMAT);
  return state;
}
