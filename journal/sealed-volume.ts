/** What the writer needs of a volume that takes no more entries: its age, its size, and whether it holds a message id. */
import Database from 'better-sqlite3';
import { journalError } from './errors.ts';
import { compareMessageIds, type StoredMessageId } from './stored-message-id.ts';
import { volumeBytes, volumePath } from './volume-files.ts';

export class SealedVolume {
  readonly base: number;
  /** ms: arrival of its latest batch. */
  readonly appended: number;
  readonly bytes: number;
  readonly #path: string;
  readonly #range: { min: StoredMessageId; max: StoredMessageId } | undefined;
  #open: { database: Database.Database; holds: Database.Statement<[StoredMessageId], number> } | undefined;

  /** @throws {JournalUnavailableError | JournalDamagedError} */
  constructor(folder: string, base: number) {
    this.base = base;
    this.#path = volumePath(folder, base);
    this.bytes = volumeBytes(folder, base);
    const row = this.#statement<{ appended: number; min: StoredMessageId | null; max: StoredMessageId | null }>(
      'select appended, min_message as min, max_message as max from volume',
    );
    this.appended = row.appended;
    this.#range = row.min === null || row.max === null ? undefined : { min: row.min, max: row.max };
    // Most volumes are never asked again: message ids begin with their time.
    this.close();
  }

  holdsMessage(id: StoredMessageId): boolean {
    const range = this.#range;
    if (range === undefined || compareMessageIds(id, range.min) < 0 || compareMessageIds(id, range.max) > 0)
      return false;
    try {
      return this.#reader().holds.get(id) !== undefined;
    } catch (error) {
      throw journalError(error, this.#path);
    }
  }

  close(): void {
    this.#open?.database.close();
    this.#open = undefined;
  }

  #statement<Row>(sql: string): Row {
    try {
      return this.#reader().database.prepare<[], Row>(sql).get() as Row;
    } catch (error) {
      throw journalError(error, this.#path);
    }
  }

  #reader(): { database: Database.Database; holds: Database.Statement<[StoredMessageId], number> } {
    if (this.#open === undefined) {
      const database = new Database(this.#path, { readonly: true, fileMustExist: true });
      try {
        const holds = database.prepare<[StoredMessageId], number>('select 1 from entry where message = ?').pluck();
        this.#open = { database, holds };
      } catch (error) {
        database.close();
        throw error;
      }
    }
    return this.#open;
  }
}
