/**
 * What the write side keeps beside the journal: the endpoints it has met, and where each client's stream has been addressed
 * elsewhere (see write/neighbours.ts). The journaler is its only writer.
 */
import Database from 'better-sqlite3';
import type { PushGrant } from '../../protocol/webhook/grant.ts';
import type { Endpoint } from '../endpoint.ts';

const SCHEMA = `
  create table if not exists endpoint (
    key text primary key,
    partition integer not null,
    client text not null,
    configuration text not null,
    token text not null,
    issued_at integer not null
  ) strict, without rowid;
  create table if not exists neighbour (
    partition integer not null,
    client text not null,
    endpoint text not null,
    offset integer not null,
    primary key (partition, client, endpoint)
  ) strict, without rowid;
  create table if not exists neighbour_position (partition integer primary key, position integer not null) strict;
`;

export interface NeighbourRow {
  readonly client: string;
  /** Empty for what was pushed to nobody. */
  readonly endpoint: string;
  readonly offset: number;
}

interface EndpointRow {
  key: string;
  partition: number;
  client: string;
  configuration: string;
  token: string;
  issued_at: number;
}

export class EndpointBook {
  readonly #database: Database.Database;

  constructor(file: string) {
    this.#database = new Database(file);
    this.#database.pragma('journal_mode = wal');
    this.#database.pragma('synchronous = full');
    this.#database.exec(SCHEMA);
  }

  endpoints(): Endpoint[] {
    return this.#database.prepare<[], EndpointRow>('select * from endpoint').all().map(endpointOf);
  }

  saveEndpoints(endpoints: readonly Endpoint[]): void {
    const save = this.#database.prepare('insert or replace into endpoint values (?, ?, ?, ?, ?, ?)');
    this.#database.transaction(() => {
      for (const { key, partition, client, grant, token, issuedAt } of endpoints)
        save.run(key, partition, client, JSON.stringify(grant), token, issuedAt);
    })();
  }

  neighbours(partition: number): NeighbourRow[] {
    return this.#database
      .prepare<[number], NeighbourRow>('select client, endpoint, offset from neighbour where partition = ?')
      .all(partition);
  }

  /** Offset of the next record that the stored neighbours have not seen. */
  neighbourPosition(partition: number): number {
    const sql = 'select position from neighbour_position where partition = ?';
    return this.#database.prepare<[number], { position: number }>(sql).get(partition)?.position ?? 0;
  }

  saveNeighbours(partition: number, rows: readonly NeighbourRow[], position: number): void {
    const save = this.#database.prepare('insert or replace into neighbour values (?, ?, ?, ?)');
    this.#database.transaction(() => {
      for (const { client, endpoint, offset } of rows) save.run(partition, client, endpoint, offset);
      this.#database.prepare('insert or replace into neighbour_position values (?, ?)').run(partition, position);
    })();
  }

  /** Forgets the neighbours of a partition: its offsets begin anew. */
  forgetNeighbours(partition: number): void {
    this.#database.transaction(() => {
      this.#database.prepare('delete from neighbour where partition = ?').run(partition);
      this.#database.prepare('delete from neighbour_position where partition = ?').run(partition);
    })();
  }

  close(): void {
    this.#database.close();
  }
}

function endpointOf(row: EndpointRow): Endpoint {
  const { key, partition, client, token } = row;
  return { key, partition, client, token, grant: JSON.parse(row.configuration) as PushGrant, issuedAt: row.issued_at };
}
