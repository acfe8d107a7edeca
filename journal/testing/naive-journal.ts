/** The journal as one would write it on a napkin: an array in memory. Property tests hold the real one against it. */
import { createHash } from 'node:crypto';
import type { EntryFilter, NewEntry } from '../entry.ts';

export interface NaiveEntry extends Omit<NewEntry, 'frame'> {
  readonly prev: number;
  readonly ordinal: number;
  readonly frame: Buffer;
  readonly chain: string;
  /** Greatest time of the client up to here. */
  readonly highTime: number;
}

export class NaiveJournal {
  readonly all: NaiveEntry[] = [];
  readonly bases: number[] = [0];
  position = 0;

  get floor(): number {
    return this.bases[0]!;
  }

  append(entries: readonly NewEntry[], position: number): { appended: number; duplicates: number; replayed: number } {
    const result = { appended: 0, duplicates: 0, replayed: 0 };
    for (const entry of entries) {
      if (entry.offset < this.position) result.replayed++;
      else if (this.all.some((held) => held.messageId === entry.messageId && held.offset >= this.floor))
        result.duplicates++;
      else {
        const before = this.all.findLast((held) => held.client === entry.client);
        const prev = before?.offset ?? -1;
        const frame = Buffer.from(entry.frame(prev));
        const chain = createHash('sha256')
          .update(Buffer.from(before?.chain ?? '00'.repeat(8), 'hex'))
          .update(frame)
          .digest('hex')
          .slice(0, 16);
        const highTime = Math.max(before?.highTime ?? 0, entry.time);
        this.all.push({ ...entry, prev, frame, chain, highTime, ordinal: (before?.ordinal ?? 0) + 1 });
        result.appended++;
      }
    }
    this.position = Math.max(this.position, position);
    return result;
  }

  ever(client: string): NaiveEntry[] {
    return this.all.filter((entry) => entry.client === client);
  }

  held(client: string, after = -1, until = Number.POSITIVE_INFINITY): NaiveEntry[] {
    return this.ever(client).filter(({ offset }) => offset >= this.floor && offset > after && offset <= until);
  }

  isRetired(client: string, after: number): boolean {
    return this.ever(client).some(({ offset }) => offset > after && offset < this.floor);
  }
}

export function matches(entry: NaiveEntry, filter: EntryFilter): boolean {
  const { types, transactions, labels, minConfidence } = filter;
  if (types !== undefined && !types.includes(entry.type)) return false;
  if (transactions !== undefined && !transactions.includes(entry.transaction)) return false;
  if (labels !== undefined && !labels.some((label) => entry.labels.includes(label))) return false;
  return minConfidence === undefined || (entry.confidence !== null && entry.confidence >= minConfidence);
}
