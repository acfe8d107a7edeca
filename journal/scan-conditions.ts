/** A filter in the terms of one volume: SQL over its entry rows, and the values at which an index can leap ahead. */
import type { EntryFilter } from './entry.ts';

export interface Conditions {
  /** Continues a where clause over the entry row `e`. */
  readonly sql: string;
  readonly values: readonly (string | number)[];
  /** Per indexed condition: the values of which at least one must hold. */
  readonly seeks: readonly { readonly column: IndexedColumn; readonly numbers: readonly number[] }[];
}

export type IndexedColumn = 'type' | 'txn' | 'label';

/** The number of a name in this volume; undefined where the volume has never seen it. */
export type FindNumber = (column: IndexedColumn, name: string) => number | undefined;

const SQL: Readonly<Record<IndexedColumn, string>> = {
  // The plus keeps SQLite from walking the index instead of the client's segments: the leap has done that part.
  type: ' and +e.type in (select value from json_each(?))',
  txn: ' and +e.txn in (select value from json_each(?))',
  label:
    ' and exists (select 1 from entry_label l where l.label in (select value from json_each(?)) and l.row = e.row)',
};

/** undefined where a condition names only what the volume has never seen: nothing in it can match. */
export function conditionsOf(filter: EntryFilter, find: FindNumber): Conditions | undefined {
  const seeks: { column: IndexedColumn; numbers: number[] }[] = [];
  const values: (string | number)[] = [];
  let sql = '';
  const lists = [
    ['type', filter.types],
    ['txn', filter.transactions],
    ['label', filter.labels],
  ] as const;
  for (const [column, names] of lists) {
    if (names === undefined) continue;
    const numbers = [...new Set(names)].flatMap((name) => find(column, name) ?? []);
    if (numbers.length === 0) return undefined;
    seeks.push({ column, numbers });
    values.push(JSON.stringify(numbers));
    sql += SQL[column];
  }
  if (filter.minConfidence !== undefined) {
    sql += ' and e.confidence >= ?';
    values.push(filter.minConfidence);
  }
  return { sql, values, seeks };
}
