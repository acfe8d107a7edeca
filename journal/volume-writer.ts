/** The write side of one volume: its statements, and the small tables that it keeps in memory between batches. */
import Database from 'better-sqlite3';
import { CHAIN_START } from './chain-hash.ts';
import { JournalDamagedError, JournalFormatError, journalError } from './errors.ts';
import type { ClientHead, SegmentDraft } from './segment-draft.ts';
import { compareMessageIds, type StoredMessageId } from './stored-message-id.ts';
import { ANY_CLIENT, FORMAT, KEY, MAX_CLIENTS, OFFSET_SPACE, PAGE_BYTES } from './volume-schema.ts';

/** Names kept in memory per table; beyond that the cache starts anew (it only saves look-ups). */
const MAX_CACHED_NAMES = 50_000;
/** How long a statement waits for another connection's lock: only ever needed while a crashed writer's WAL is recovered. */
const BUSY_MS = 5_000;

const ROWS_AT_ONCE = 16;
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
  readonly #types = new Map<string, number>();
  readonly #labels = new Map<string, number>();
  readonly #transactions = new Map<string, number>();
  readonly #statements: ReturnType<typeof prepareStatements>;
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
      this.#statements = prepareStatements(database);
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
      const labels = entry.labels.length === 0 ? null : this.#labelNumbers(entry.labels);
      if (labels !== null) for (const label of labels) statements.insertEntryLabel.run(label, this.#row);
      const type = this.#typeNumber(entry.type);
      const transaction = this.#transactionNumber(head.no, entry.transaction, offset);
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

  #typeNumber(name: string): number {
    return (
      this.#types.get(name) ??
      remember(this.#types, name, this.#statements.type.get(name) ?? inserted(this.#statements.insertType.run(name)))
    );
  }

  #labelNumbers(names: readonly string[]): number[] {
    return [...new Set(names)].map(
      (name) =>
        this.#labels.get(name) ??
        remember(
          this.#labels,
          name,
          this.#statements.label.get(name) ?? inserted(this.#statements.insertLabel.run(name)),
        ),
    );
  }

  #transactionNumber(client: number, name: string, offset: number): number {
    const key = `${client} ${name}`;
    return (
      this.#transactions.get(key) ??
      remember(
        this.#transactions,
        key,
        this.#statements.transaction.get(client, name) ??
          inserted(this.#statements.insertTransaction.run(client, name, offset)),
      )
    );
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

function prepareStatements(database: Database.Database) {
  return {
    begin: database.prepare('begin immediate'),
    wal: database.prepare<[], { log: number; checkpointed: number }>('pragma wal_checkpoint(NOOP)'),
    commit: database.prepare('commit'),
    head: database.prepare<[string], ClientHead>(
      'select no, name, head, count, time, bytes, chain from client where name = ?',
    ),
    greatestClient: database.prepare<[], number>('select max(no) from client').pluck(),
    setHead: database.prepare(
      `insert into client (no, name, head, count, time, bytes, chain) values (?, ?, ?, ?, ?, ?, ?)
       on conflict (no) do update set head = excluded.head, count = excluded.count, time = excluded.time,
                                      bytes = excluded.bytes, chain = excluded.chain`,
    ),
    holdsMessage: database.prepare<[StoredMessageId], number>('select 1 from entry where message = ?').pluck(),
    setState: database.prepare('update volume set appended = ?, position = ?, min_message = ?, max_message = ?'),
    setFloor: database.prepare('update volume set floor = ?'),
    setNext: database.prepare('update volume set next = ?'),
    insertSegment: database.prepare(
      `insert into segment (key, first, row, count, ordinal, finish, first_time, last_time, high_time, crc, data)
       values (${KEY}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    greatestRow: database.prepare<[], number>('select max(row) from entry').pluck(),
    insertEntry: database.prepare(insertEntries(1)),
    insertEntries: database.prepare(insertEntries(ROWS_AT_ONCE)),
    insertEntryLabel: database.prepare('insert into entry_label (label, row) values (?, ?)'),
    type: database.prepare<[string], number>('select no from type where name = ?').pluck(),
    insertType: database.prepare('insert into type (name) values (?)'),
    label: database.prepare<[string], number>('select no from label where name = ?').pluck(),
    insertLabel: database.prepare('insert into label (name) values (?)'),
    transaction: database.prepare<[number, string], number>('select no from txn where client = ? and name = ?').pluck(),
    insertTransaction: database.prepare('insert into txn (client, name, first) values (?, ?, ?)'),
  };
}

function insertEntries(rows: number): string {
  const columns = `row, start, segment, offset, prev, ordinal, time, type, txn,
                   message, confidence, labels, position, length, chain`;
  const values = columns.split(',').fill('?').join();
  return `insert into entry (${columns}) values ${Array(rows).fill(`(${values})`).join()}`;
}

function inserted(result: Database.RunResult): number {
  return Number(result.lastInsertRowid);
}

function remember<Value>(cache: Map<string, Value>, name: string, value: Value): Value {
  if (cache.size >= MAX_CACHED_NAMES) cache.clear();
  cache.set(name, value);
  return value;
}
