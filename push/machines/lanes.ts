/**
 * Keeps the messages of one transaction in order while different transactions go side by side: a lane for each transaction that
 * has something waiting or under way, and in each lane one request at a time.
 *
 * Lanes whose turn it is stand in a queue, so none waits longer than the others.
 */

interface Lane<T> {
  readonly waiting: T[];
  busy: boolean;
}

export class Lanes<T> {
  readonly #lanes = new Map<string, Lane<T>>();
  /** Transactions that are not busy and have something waiting, in the order in which that came about. */
  #ready: string[] = [];
  #readyFrom = 0;

  /** Lanes from which something could be taken now. */
  get ready(): number {
    return this.#ready.length - this.#readyFrom;
  }

  add(transaction: string, item: T): void {
    const lane = this.#lanes.get(transaction);
    if (lane === undefined) {
      this.#lanes.set(transaction, { waiting: [item], busy: false });
      this.#ready.push(transaction);
    } else lane.waiting.push(item);
  }

  /** Something of the transaction is under way that was not taken from here. */
  hold(transaction: string): void {
    this.#lanes.set(transaction, { waiting: [], busy: true });
  }

  /** Whether something of the transaction is under way, so that what is added now has to wait for that. */
  isBusy(transaction: string): boolean {
    return this.#lanes.get(transaction)?.busy === true;
  }

  /** What waits behind what is under way. */
  waiting(transaction: string): readonly T[] {
    return this.#lanes.get(transaction)?.waiting ?? [];
  }

  /**
   * Takes items, in order, of the transaction whose turn it is; its lane is busy until `release`.
   * @param fits whether one more may come along with the first
   */
  take(fits: (item: T) => boolean): { readonly transaction: string; readonly items: T[] } | undefined {
    const transaction = this.#ready[this.#readyFrom];
    if (transaction === undefined) return undefined;
    this.#readyFrom += 1;
    if (this.#readyFrom === this.#ready.length || this.#readyFrom > 1024) {
      this.#ready = this.#ready.slice(this.#readyFrom);
      this.#readyFrom = 0;
    }
    const lane = this.#lanes.get(transaction)!;
    lane.busy = true;
    const items = [lane.waiting.shift()!];
    while (lane.waiting.length > 0 && fits(lane.waiting[0]!)) items.push(lane.waiting.shift()!);
    return { transaction, items };
  }

  /** What was taken is finished: the next of the transaction may go. */
  release(transaction: string): void {
    const lane = this.#lanes.get(transaction);
    if (lane === undefined) return;
    if (lane.waiting.length === 0) {
      this.#lanes.delete(transaction);
      return;
    }
    lane.busy = false;
    this.#ready.push(transaction);
  }
}
