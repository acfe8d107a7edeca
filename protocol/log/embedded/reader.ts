/**
 * The reading side of an opened log: short synchronous queries on a connection of its own, in the thread that asked.
 *
 * In WAL mode readers neither wait for the writer nor hold it up, as long as none keeps a query open across an await;
 * none here does.
 */
import type Database from 'better-sqlite3';
import { UnknownTopicError } from '../errors.ts';
import type { LogRecord, PartitionLag, TopicDescription, Watermarks } from '../log.ts';
import type { Fetched } from '../partition-consumer.ts';
import { definitionOf } from './log-state.ts';
import { openForReading, recordsTable } from './schema.ts';

export interface PartitionOfTopic {
  readonly slot: number;
  readonly topic: string;
  readonly partition: number;
}

export interface FetchLimits {
  readonly records: number;
  readonly bytes: number;
}

/** How one partition stands within a group. */
export interface OwnershipRow extends PartitionOfTopic {
  readonly owner: string | null;
  readonly target: string | null;
  readonly lease: number;
}

interface RecordRow {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string;
  readonly headers: string | null;
  readonly value: Buffer | null;
}

interface SlotWatermarks extends Watermarks {
  readonly slot: number;
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

export class Reader {
  readonly #db: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  constructor(folder: string, busyTimeoutMs: number) {
    this.#db = openForReading(folder, busyTimeoutMs);
  }

  close(): void {
    this.#db.close();
  }

  /** A number that changes whenever another connection, of whichever process, has committed. */
  dataVersion(): number {
    return (this.#sql('PRAGMA data_version').get() as { data_version: number }).data_version;
  }

  /** Ends of all partitions by slot. */
  ends(): Map<number, number> {
    const rows = this.#sql('SELECT slot, "end" FROM partitions').all() as { slot: number; end: number }[];
    return new Map(rows.map(({ slot, end }) => [slot, end]));
  }

  /** Counters that move whenever topics or groups change. */
  versions(): { topics: number; groups: number } {
    const rows = this.#sql('SELECT name, value FROM state').all() as { name: string; value: number }[];
    const version = (name: string) => rows.find((row) => row.name === name)?.value ?? 0;
    return { topics: version('topics'), groups: version('groups') };
  }

  listTopics(): string[] {
    return (this.#sql('SELECT name FROM topics ORDER BY name').all() as { name: string }[]).map(({ name }) => name);
  }

  /** @throws {UnknownTopicError} */
  describeTopic(name: string): TopicDescription {
    const row = this.#sql('SELECT definition, epoch FROM topics WHERE name = ?').get(name) as
      | { definition: string; epoch: string }
      | undefined;
    if (row === undefined) throw new UnknownTopicError(name);
    return { definition: definitionOf(row.definition), epoch: row.epoch };
  }

  /** In the order of partitions. @throws {UnknownTopicError} */
  watermarks(topic: string): SlotWatermarks[] {
    const rows = this.#sql(
      'SELECT slot, partition, earliest, "end" FROM partitions WHERE topic = ? ORDER BY partition',
    ).all(topic) as SlotWatermarks[];
    if (rows.length === 0) throw new UnknownTopicError(topic);
    return rows;
  }

  /** @throws {UnknownTopicError} */
  lag(group: string, topic: string): PartitionLag[] {
    return this.watermarks(topic).map(({ slot, partition, earliest, end }) => {
      const row = this.#sql('SELECT committed FROM positions WHERE group_name = ? AND slot = ?').get(group, slot) as
        | { committed: number | null }
        | undefined;
      const committed = row?.committed ?? undefined;
      return { partition, earliest, end, committed, lag: end - Math.max(committed ?? earliest, earliest) };
    });
  }

  /** First offset at or after `time`, the end where there is none: by bisection, since time never falls in a partition. */
  offsetAt({ slot, earliest, end }: SlotWatermarks, time: number): number {
    const next = this.#sql(
      `SELECT "offset", timestamp FROM ${recordsTable(slot)} WHERE "offset" >= ? ORDER BY "offset" LIMIT 1`,
    );
    let low = earliest;
    let high = end;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = next.get(middle) as { offset: number; timestamp: number } | undefined;
      if (row === undefined || row.timestamp >= time) high = middle;
      else low = row.offset + 1;
    }
    const row = next.get(low) as { offset: number } | undefined;
    return row?.offset ?? end;
  }

  ownership(group: string): OwnershipRow[] {
    return this.#sql(
      `SELECT slot, topic, partition, owner, target, lease FROM positions JOIN partitions USING (slot)
       WHERE group_name = ? ORDER BY slot`,
    ).all(group) as OwnershipRow[];
  }

  /** The next records from `position` on, within the limits but at least one if there is one. */
  fetch(source: PartitionOfTopic, position: number, limits: FetchLimits): Fetched {
    const statement = this.#sql(
      `SELECT "offset", timestamp, key, headers, value FROM ${recordsTable(source.slot)}
       WHERE "offset" >= ? ORDER BY "offset" LIMIT ?`,
    );
    const records: LogRecord[] = [];
    let bytes = 0;
    for (const row of statement.iterate(position, limits.records) as IterableIterator<RecordRow>) {
      bytes += row.value?.length ?? 0;
      if (records.length > 0 && bytes > limits.bytes) break;
      records.push({
        topic: source.topic,
        partition: source.partition,
        offset: row.offset,
        timestamp: row.timestamp,
        key: row.key,
        value: row.value,
        headers: row.headers === null ? NO_HEADERS : JSON.parse(row.headers),
      });
    }
    const { end } = this.#sql('SELECT "end" FROM partitions WHERE slot = ?').get(source.slot) as { end: number };
    return { records, end };
  }

  #sql(source: string): Database.Statement {
    let statement = this.#statements.get(source);
    if (statement === undefined) {
      statement = this.#db.prepare(source);
      this.#statements.set(source, statement);
    }
    return statement;
  }
}
