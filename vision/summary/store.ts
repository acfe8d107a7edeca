/**
 * What the summary service keeps of one partition of results-1: the facts of each transaction, when each is due, the daily usage,
 * and the position up to which all of that is taken in. Facts and position change in one SQLite transaction, so
 * a restart goes on exactly where the state stands and reads nothing twice.
 *
 * The log is the truth and this is its index: a store that is lost, damaged, or of another incarnation of the log is set
 * aside and built again from the log.
 */
import type Database from 'better-sqlite3';
import type { Event } from '../../protocol/envelope.ts';
import { openStoreFile } from './store-file.ts';
import type { UsageDelta } from './usage.ts';
import { addUsage, expireUsage } from './usage-table.ts';

/** A fact as it is kept. The token is kept only where it may have to travel on. */
export interface StoredFact {
  readonly event: Event;
  readonly time: number;
  readonly granted: boolean;
}

/** What is kept of a transaction beside its facts. */
export interface StoredTransaction {
  readonly client: string;
  readonly transaction: string;
  readonly lastTime: number;
  /** Stream time at which to look at it again. */
  readonly due: number | undefined;
  readonly given: { readonly revision: number; readonly digest: string; readonly at: number } | undefined;
  readonly changed: boolean;
}

/** Everything that changed since the store was last saved. */
export interface Changes {
  readonly facts: readonly StoredFact[];
  readonly transactions: readonly StoredTransaction[];
  readonly usage: readonly UsageDelta[];
  /** Offset of the next record to take in. */
  readonly position: number;
  readonly streamTime: number;
}

export interface StoredState extends StoredTransaction {
  readonly facts: readonly StoredFact[];
}

interface TransactionRow {
  id: number;
  client: string;
  name: string;
  last_time: number;
  due: number | null;
  revision: number | null;
  digest: string | null;
  given_at: number | null;
  changed: number;
}

interface FactRow {
  message_id: string;
  type: string;
  event_time: number;
  time: number;
  granted: number;
  token: string;
  traceparent: string;
  payload: Buffer;
}

export class PartitionStore {
  readonly #database: Database.Database;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #save: (changes: Changes) => void;

  private constructor(database: Database.Database) {
    this.#database = database;
    this.#statements = prepare(database);
    this.#save = database.transaction((changes: Changes) => this.#write(changes));
  }

  /** Opens the store of a partition, empty where there is none that fits `epoch` or the one there is damaged. */
  static open(folder: string, partition: number, epoch: string): PartitionStore {
    return new PartitionStore(openStoreFile(folder, partition, epoch));
  }

  /** undefined in an empty store. */
  position(): number | undefined {
    return this.#statements.meta.get('position') as number | undefined;
  }

  streamTime(): number {
    return (this.#statements.meta.get('stream_time') as number | undefined) ?? 0;
  }

  load(client: string, transaction: string): StoredState | undefined {
    const row = this.#statements.transaction.get(client, transaction) as TransactionRow | undefined;
    if (row === undefined) return undefined;
    const facts = this.#statements.facts.all(row.id) as FactRow[];
    return { ...transactionOf(row), facts: facts.map((fact) => factOf(fact, client, transaction)) };
  }

  /** The transactions that are to be looked at again at some moment. */
  due(): StoredTransaction[] {
    return (this.#statements.due.all() as TransactionRow[]).map(transactionOf);
  }

  /** @throws {Database.SqliteError} nothing was written */
  save(changes: Changes): void {
    this.#save(changes);
  }

  /** Forgets transactions whose last event lies before `time`, a bounded number at once. @returns how many */
  expire(time: number, usageBefore: string): number {
    expireUsage(this.#database, usageBefore);
    return this.#statements.expire.run(time).changes;
  }

  get database(): Database.Database {
    return this.#database;
  }

  close(): void {
    this.#database.close();
  }

  #write(changes: Changes): void {
    const ids = new Map<string, number>();
    for (const transaction of changes.transactions) {
      const id = this.#statements.upsert.get({
        client: transaction.client,
        name: transaction.transaction,
        lastTime: transaction.lastTime,
        due: transaction.due ?? null,
        revision: transaction.given?.revision ?? null,
        digest: transaction.given?.digest ?? null,
        givenAt: transaction.given?.at ?? null,
        changed: Number(transaction.changed),
      }) as number;
      ids.set(keyOf(transaction.client, transaction.transaction), id);
    }
    for (const { event, time, granted } of changes.facts) {
      this.#statements.insertFact.run({
        transaction: ids.get(keyOf(event.client, event.correlationId))!,
        messageId: event.messageId,
        type: event.type,
        eventTime: event.eventTime,
        time,
        granted: Number(granted),
        token: event.token,
        traceparent: event.traceparent,
        payload: event.payload,
      });
    }
    addUsage(this.#database, changes.usage);
    this.#statements.setMeta.run('position', changes.position);
    this.#statements.setMeta.run('stream_time', changes.streamTime);
  }
}

export function keyOf(client: string, transaction: string): string {
  return `${client}\n${transaction}`;
}

function prepare(database: Database.Database) {
  return {
    meta: database.prepare('SELECT value FROM meta WHERE name = ?').pluck(),
    setMeta: database.prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value'),
    transaction: database.prepare('SELECT * FROM "transaction" WHERE client = ? AND name = ?'),
    facts: database.prepare('SELECT * FROM fact WHERE "transaction" = ?'),
    due: database.prepare('SELECT * FROM "transaction" WHERE due IS NOT NULL'),
    upsert: database
      .prepare(
        `INSERT INTO "transaction" (client, name, last_time, due, revision, digest, given_at, changed)
         VALUES (:client, :name, :lastTime, :due, :revision, :digest, :givenAt, :changed)
         ON CONFLICT (client, name) DO UPDATE SET last_time = excluded.last_time, due = excluded.due,
           revision = excluded.revision, digest = excluded.digest, given_at = excluded.given_at, changed = excluded.changed
         RETURNING id`,
      )
      .pluck(),
    insertFact: database.prepare(
      `INSERT INTO fact VALUES (:transaction, :messageId, :type, :eventTime, :time, :granted, :token, :traceparent, :payload)
       ON CONFLICT DO NOTHING`,
    ),
    expire: database.prepare(
      `DELETE FROM "transaction" WHERE id IN (
         SELECT id FROM "transaction" WHERE last_time < ? AND due IS NULL LIMIT 1000)`,
    ),
  };
}

function transactionOf(row: TransactionRow): StoredTransaction {
  const { revision, digest, given_at: at } = row;
  return {
    client: row.client,
    transaction: row.name,
    lastTime: row.last_time,
    due: row.due ?? undefined,
    given: revision === null || digest === null || at === null ? undefined : { revision, digest, at },
    changed: row.changed === 1,
  };
}

function factOf(row: FactRow, client: string, transaction: string): StoredFact {
  return {
    event: {
      messageId: row.message_id,
      client,
      correlationId: transaction,
      type: row.type,
      eventTime: row.event_time,
      token: row.token,
      traceparent: row.traceparent,
      payload: row.payload,
    },
    time: row.time,
    granted: row.granted === 1,
  };
}
