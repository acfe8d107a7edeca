/**
 * What the writer knows of the database within one transaction.
 *
 * Other processes write too, so nothing but prepared statements outlives a transaction unchecked: topics are read again
 * when their counter has moved, the ends of partitions always, on first use.
 */
import type Database from 'better-sqlite3';
import type { TopicDefinition } from '../log.ts';
import { type Changes, Refusal } from './operations.ts';

export interface Topic {
  readonly definition: TopicDefinition;
  readonly epoch: string;
  /** Slots by partition. */
  readonly slots: readonly number[];
}

/** The growing edge of a partition. Changed in place, written back when the transaction ends. */
export interface Edge {
  readonly slot: number;
  end: number;
  lastTimestamp: number;
  bytes: number;
  earliest: number;
}

export class LogState {
  readonly db: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();
  #topics = new Map<string, Topic>();
  #topicsVersion: number | undefined;
  #edges = new Map<number, Edge & { readonly endBefore: number }>();
  #topicsChanged = false;
  #groupsChanged = false;

  constructor(db: Database.Database) {
    this.db = db;
  }

  /** A statement prepared once. better-sqlite3 prepares it again by itself when the schema has changed. */
  sql(source: string): Database.Statement {
    let statement = this.#statements.get(source);
    if (statement === undefined) {
      statement = this.db.prepare(source);
      this.#statements.set(source, statement);
    }
    return statement;
  }

  /** Call first in every transaction. */
  begin(): void {
    this.#edges = new Map();
    this.#topicsChanged = false;
    this.#groupsChanged = false;
    const { value } = this.sql(`SELECT value FROM state WHERE name = 'topics'`).get() as { value: number };
    if (value !== this.#topicsVersion) this.#readTopics(value);
  }

  /** @throws {Refusal} unknown-topic */
  topic(name: string): Topic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new Refusal({ kind: 'unknown-topic', topic: name });
    return topic;
  }

  topics(): ReadonlyMap<string, Topic> {
    return this.#topics;
  }

  edge(slot: number): Edge {
    let edge = this.#edges.get(slot);
    if (edge === undefined) {
      const row = this.sql(
        `SELECT slot, "end", "end" AS endBefore, last_timestamp AS lastTimestamp, bytes, earliest
         FROM partitions WHERE slot = ?`,
      ).get(slot) as Edge & { endBefore: number };
      edge = row;
      this.#edges.set(slot, edge);
    }
    return edge;
  }

  topicsChanged(): void {
    const { value } = this.sql(`UPDATE state SET value = value + 1 WHERE name = 'topics' RETURNING value`).get() as {
      value: number;
    };
    this.#topicsChanged = true;
    this.#readTopics(value);
  }

  groupsChanged(): void {
    if (this.#groupsChanged) return;
    this.sql(`UPDATE state SET value = value + 1 WHERE name = 'groups'`).run();
    this.#groupsChanged = true;
  }

  /** Call last in every transaction, before it commits. */
  end(): Changes {
    const ends: [number, number][] = [];
    for (const { slot, end, endBefore, lastTimestamp, bytes, earliest } of this.#edges.values()) {
      this.sql(`UPDATE partitions SET "end" = ?, last_timestamp = ?, bytes = ?, earliest = ? WHERE slot = ?`).run(
        end,
        lastTimestamp,
        bytes,
        earliest,
        slot,
      );
      if (end !== endBefore) ends.push([slot, end]);
    }
    return { ends, topics: this.#topicsChanged, groups: this.#groupsChanged };
  }

  /** What was read in a transaction that is rolled back must be read again. */
  forget(): void {
    this.#topicsVersion = undefined;
  }

  #readTopics(version: number): void {
    const rows = this.sql(
      `SELECT name, epoch, definition, slot FROM topics JOIN partitions ON topic = name ORDER BY name, partition`,
    ).all() as { name: string; epoch: string; definition: string; slot: number }[];
    const topics = new Map<string, Topic & { slots: number[] }>();
    for (const { name, epoch, definition, slot } of rows) {
      const topic = topics.get(name);
      if (topic === undefined) topics.set(name, { definition: definitionOf(definition), epoch, slots: [slot] });
      else topic.slots.push(slot);
    }
    this.#topics = topics;
    this.#topicsVersion = version;
  }
}

/** JSON has no undefined: what a definition leaves open is absent there. */
export function definitionOf(json: string): TopicDefinition {
  const { retentionMs, retentionBytes, ...rest } = JSON.parse(json) as TopicDefinition;
  return { ...rest, retentionMs, retentionBytes };
}
