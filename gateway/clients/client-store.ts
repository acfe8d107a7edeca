/**
 * The identity store: clients-1 materialised in one SQLite file, with the position up to which it was.
 *
 * It holds nothing that the log does not: a damaged file is put aside and made again. What goes wrong with it is thrown as
 * it comes; ClientDirectory decides what to do then.
 */
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { isClientId } from '../../protocol/claims/client-id.ts';
import { REVOKED_CLIENT_KEY, REVOKED_TOKEN_KEY } from '../../protocol/claims/client-records.ts';
import { Client, Revocation } from '../../protocol/generated/client/v1m0/client_pb.js';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import { Webhook } from '../../protocol/generated/push/v1m0/push_pb.js';
import type { LogRecord } from '../../protocol/log/log.ts';
import { WEBHOOK_KEY } from '../../protocol/webhook/webhook-record.ts';
import type { RegisteredClient } from './registered-client.ts';

const FILE = 'clients.sqlite';
const NOT_A_DATABASE = new Set(['SQLITE_NOTADB', 'SQLITE_CORRUPT']);

export class ClientStore {
  readonly #database: Database.Database;
  readonly #client: Database.Statement<[string], { record: Buffer }>;

  private constructor(database: Database.Database) {
    this.#database = database;
    this.#client = database.prepare('SELECT record FROM entity WHERE key = ?');
  }

  /**
   * @param epoch of the topic: a store of another one is emptied
   * @param distrusted puts the file that is there aside, whatever it holds
   */
  static open(folder: string, epoch: string, distrusted = false): ClientStore {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, FILE);
    if (distrusted) putAside(file);
    let database: Database.Database;
    try {
      database = openDatabase(file);
    } catch (error) {
      if (!NOT_A_DATABASE.has((error as { code?: string }).code ?? '')) throw error;
      putAside(file);
      database = openDatabase(file);
    }
    const store = new ClientStore(database);
    store.#adoptEpoch(epoch);
    return store;
  }

  /** Offset of the next record wanted, by partition. */
  positions(): Map<number, number> {
    const rows = this.#database
      .prepare<[], { partition: number; next: number }>('SELECT partition, next FROM position')
      .all();
    return new Map(rows.map(({ partition, next }) => [partition, next]));
  }

  /** Takes consecutive records of a partition in, together with the position behind them. */
  apply(partition: number, records: readonly LogRecord[]): void {
    this.#database.transaction(() => {
      for (const { key, value } of records) this.#applyOne(key, value);
      this.#database
        .prepare('INSERT INTO position VALUES (?, ?) ON CONFLICT DO UPDATE SET next = excluded.next')
        .run(partition, records.at(-1)!.offset + 1);
    })();
  }

  get(clientId: string): RegisteredClient | undefined {
    // What is no client id may well be the key of a record of another kind.
    const client = isClientId(clientId) ? this.#client.get(clientId) : undefined;
    if (client === undefined) return undefined;
    const webhook = this.#client.get(WEBHOOK_KEY + clientId);
    return {
      client: Client.fromBinary(client.record),
      webhook: webhook && Webhook.fromBinary(webhook.record),
    };
  }

  /** Keys of revocations that nothing needs any more. @param now ms since the epoch */
  expiredRevocations(now: number): string[] {
    return this.#database
      .prepare<[number], { key: string }>('SELECT key FROM entity WHERE expires < ?')
      .all(now)
      .map(({ key }) => key);
  }

  close(): void {
    this.#database.close();
  }

  #applyOne(key: string, value: Buffer | null): void {
    if (value === null) {
      this.#database.prepare('DELETE FROM entity WHERE key = ?').run(key);
      return;
    }
    const kept = decode(key, value);
    if (kept === undefined) return;
    this.#database
      .prepare(
        'INSERT INTO entity VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET record = excluded.record, expires = excluded.expires',
      )
      .run(key, value, kept.expires);
  }

  #adoptEpoch(epoch: string): void {
    const known = this.#database.prepare<[], { epoch: string }>('SELECT epoch FROM incarnation').get()?.epoch;
    if (known === epoch) return;
    this.#database.transaction(() => {
      this.#database.exec('DELETE FROM entity; DELETE FROM position; DELETE FROM incarnation;');
      this.#database.prepare('INSERT INTO incarnation VALUES (?)').run(epoch);
    })();
  }
}

function openDatabase(file: string): Database.Database {
  const database = new Database(file);
  try {
    database.pragma('journal_mode = WAL');
    // What a power cut takes comes again from the log.
    database.pragma('synchronous = NORMAL');
    database.exec(`
      CREATE TABLE IF NOT EXISTS entity (key TEXT PRIMARY KEY, record BLOB NOT NULL, expires INTEGER) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS entity_expires ON entity (expires) WHERE expires IS NOT NULL;
      CREATE TABLE IF NOT EXISTS position (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS incarnation (epoch TEXT NOT NULL);
    `);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Whether the record is one that is kept, and until when. A record that does not decode is left out: the one before it counts. */
function decode(key: string, value: Buffer): { expires: number | null } | undefined {
  try {
    if (isClientId(key)) Client.fromBinary(value);
    else if (key.startsWith(WEBHOOK_KEY)) Webhook.fromBinary(value);
    else if (key.startsWith(REVOKED_TOKEN_KEY) || key.startsWith(REVOKED_CLIENT_KEY)) {
      const { expires } = Revocation.fromBinary(value);
      return { expires: expires === undefined ? null : Timestamp.toDate(expires).getTime() };
    } else return undefined;
    return { expires: null };
  } catch {
    return undefined;
  }
}

function putAside(file: string): void {
  for (const suffix of ['', '-wal', '-shm'])
    try {
      renameSync(file + suffix, `${file}.damaged${suffix}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
}
