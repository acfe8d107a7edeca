/**
 * How far an endpoint has got: what has been taken from the journal, and what of that is not finished.
 *
 * Transactions are pushed side by side, so messages finish out of order. Stored are the offset up to which the journal has
 * been read and the few offsets before it that are unfinished: a restart repeats those and nothing else, and one message that
 * waits hours for its next try does not make the thousands behind it come twice.
 */

export interface Unfinished {
  readonly offset: number;
  /** Tries so far. */
  readonly attempts: number;
  /** Not before this moment, ms; 0 for at once. */
  readonly notBefore: number;
}

/** As stored. */
export interface Position {
  /** Everything up to here has been taken from the journal. -1 for nothing. */
  readonly scanned: number;
  /** Ascending by offset, none above `scanned`. */
  readonly unfinished: readonly Unfinished[];
}

export const BEGINNING: Position = { scanned: -1, unfinished: [] };

export class Progress {
  readonly #unfinished = new Map<number, { attempts: number; notBefore: number }>();
  #scanned: number;
  /** The last offset of which anything came: what was only read ahead need not be stored. */
  #touched: number;

  constructor(position: Position) {
    this.#scanned = position.scanned;
    this.#touched = position.scanned;
    for (const { offset, attempts, notBefore } of position.unfinished)
      this.#unfinished.set(offset, { attempts, notBefore });
  }

  get scanned(): number {
    return this.#scanned;
  }

  get unfinishedCount(): number {
    return this.#unfinished.size;
  }

  /** Everything up to and including this offset is finished. */
  get finishedUpTo(): number {
    for (const offset of this.#unfinished.keys()) return offset - 1;
    return this.#scanned;
  }

  /** A message was taken from the journal. Offsets rise. */
  begin(offset: number): void {
    this.#unfinished.set(offset, { attempts: 0, notBefore: 0 });
    this.#scanned = offset;
  }

  /** What lies before has been retired unread. */
  skipTo(offset: number): void {
    this.#scanned = Math.max(this.#scanned, offset);
    this.#touched = this.#scanned;
  }

  /** A try failed. */
  failed(offset: number, attempts: number, notBefore: number): void {
    const state = this.#unfinished.get(offset);
    if (state === undefined) return;
    state.attempts = attempts;
    state.notBefore = notBefore;
    this.#touched = Math.max(this.#touched, offset);
  }

  /** Pushed, or set aside as a dead letter. */
  finish(offset: number): void {
    this.#unfinished.delete(offset);
    this.#touched = Math.max(this.#touched, offset);
  }

  /** What to store. */
  position(): Position {
    const unfinished: Unfinished[] = [];
    // A Map keeps the order of insertion, and offsets were begun in ascending order.
    for (const [offset, { attempts, notBefore }] of this.#unfinished) {
      if (offset > this.#touched) break;
      unfinished.push({ offset, attempts, notBefore });
    }
    return { scanned: this.#touched, unfinished };
  }
}
