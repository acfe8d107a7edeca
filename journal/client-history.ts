/** What a folder's volumes hold of one client, as of one moment. */
import type { Retired } from './reading.ts';
import type { VolumeSet } from './volume-set.ts';
import type { ClientRow, EntryPlace } from './volume-statements.ts';

export class ClientHistory {
  readonly row: ClientRow;
  readonly #volumes: VolumeSet;

  /** @param row of the newest volume */
  constructor(volumes: VolumeSet, row: ClientRow) {
    this.#volumes = volumes;
    this.row = row;
  }

  /** The client's first held entry past `after`. */
  firstAfter(after: number): EntryPlace | undefined {
    for (const { reader } of this.#volumes.from(after + 1)) {
      const place = reader.firstAfter(this.row.no, after);
      if (place !== undefined) return place;
    }
    return undefined;
  }

  /** The client's last held entry at or before `offset`. */
  lastUntil(offset: number): EntryPlace | undefined {
    for (const { reader } of this.#volumes.backFrom(offset)) {
      const place = reader.lastUntil(this.row.no, offset);
      if (place !== undefined) return place;
    }
    return undefined;
  }

  countAfter(after: number): number {
    const place = after >= this.row.head ? undefined : this.firstAfter(after);
    return place === undefined ? 0 : Math.max(0, this.row.count - place.ordinal + 1);
  }

  /** Whether nothing of the client's lies past `last` and not past `until`. */
  isEnd(last: number, until: number): boolean {
    if (last >= until) return true;
    if (until >= this.row.head) return false;
    const next = this.firstAfter(last);
    return next === undefined || next.offset > until;
  }

  /** Whether entries past `after` are gone: only then, not merely because their volume is, is a position lost. */
  retired(after: number): Retired | undefined {
    if (after + 1 >= this.#volumes.floor) return undefined;
    const first = this.firstAfter(-1);
    const before = first === undefined ? this.row.head : first.prev;
    if (before <= after) return undefined;
    return { kind: 'retired', earliest: first?.offset ?? this.row.head + 1 };
  }
}
