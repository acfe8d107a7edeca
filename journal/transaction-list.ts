/** Lists a client's transactions in the order of their first entries. */
import type { VolumeSet } from './volume-set.ts';

export interface TransactionSummary {
  readonly transaction: string;
  /** Offset of its first entry that is held: page on past it. */
  readonly first: number;
  /** Offset of its latest entry. */
  readonly last: number;
  /** Entries held. */
  readonly count: number;
}

export function listTransactions(
  volumes: VolumeSet,
  client: number,
  after: number,
  limit: number,
): TransactionSummary[] {
  const found: TransactionSummary[] = [];
  const { bases } = volumes;
  const part = (base: number, name: string) => volumes.open(base).reader.transaction(client, name);
  for (const [i, base] of bases.entries()) {
    let from = after;
    for (;;) {
      const page = volumes.open(base).reader.transactions(client, from, limit);
      if (page.length === 0 || found.length >= limit) break;
      for (const { name, first } of page) {
        from = first;
        if (found.length >= limit) break;
        // One that an earlier volume holds has been listed there.
        if (bases.slice(0, i).some((earlier) => part(earlier, name) !== undefined)) continue;
        const parts = bases.slice(i).flatMap((later) => part(later, name) ?? []);
        found.push({
          transaction: name,
          first,
          last: parts.at(-1)!.last,
          count: parts.reduce((sum, { count }) => sum + count, 0),
        });
      }
    }
    if (found.length >= limit) break;
  }
  return found;
}
