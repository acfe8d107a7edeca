/** The numbers by which a volume knows types, labels and transactions, given out as they first come and kept in memory. */
import type Database from 'better-sqlite3';
import type { prepareWriteStatements } from './volume-write-statements.ts';

/** Names kept in memory per table; beyond that the cache starts anew (it only saves look-ups). */
const MAX_CACHED_NAMES = 50_000;

export class VolumeNames {
  readonly #statements: ReturnType<typeof prepareWriteStatements>;
  readonly #types = new Map<string, number>();
  readonly #labels = new Map<string, number>();
  readonly #transactions = new Map<string, number>();

  constructor(statements: ReturnType<typeof prepareWriteStatements>) {
    this.#statements = statements;
  }

  type(name: string): number {
    return (
      this.#types.get(name) ??
      remember(this.#types, name, this.#statements.type.get(name) ?? inserted(this.#statements.insertType.run(name)))
    );
  }

  /** Each once. */
  labels(names: readonly string[]): number[] {
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

  /** @param offset of its first entry, less the volume's base */
  transaction(client: number, name: string, offset: number): number {
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
}

/** Puts a value into a cache that holds no more than so many. */
export function remember<Value>(cache: Map<string, Value>, name: string, value: Value): Value {
  if (cache.size >= MAX_CACHED_NAMES) cache.clear();
  cache.set(name, value);
  return value;
}

function inserted(result: Database.RunResult): number {
  return Number(result.lastInsertRowid);
}
