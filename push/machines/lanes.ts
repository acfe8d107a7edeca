/**
 * Keeps the messages of one transaction in order while different transactions go side by side: a lane for each transaction that
 * has something waiting or under way, and in each lane one request at a time.
 *
 * Lanes whose turn it is stand in a queue, so none waits longer than the others.
 */

/** So many that were taken are still in a list at most: the others are moved once for as many, not each time. */
const MOST_TAKEN = 64;
const MOST_TURNS = 1024;

/** Of one transaction. Whoever has taken from it gives it back with `Lanes.release`. */
export class Lane<T extends NonNullable<unknown>> {
  readonly transaction: string;
  /** What is under way of it has failed and waits for another try. */
  isStalled = false;
  /** What waits behind what is under way, from `#from` on. */
  #items: T[];
  #from = 0;

  constructor(transaction: string, items: T[]) {
    this.transaction = transaction;
    this.#items = items;
  }

  /** What waits behind what is under way. */
  get waiting(): readonly T[] {
    return this.#items.slice(this.#from);
  }

  /** The first that waits. */
  get first(): T | undefined {
    return this.#items[this.#from];
  }

  add(item: T): void {
    this.#items.push(item);
  }

  /** Takes the first out. */
  shift(): void {
    this.#from += 1;
    if (this.#from < MOST_TAKEN && this.#from < this.#items.length) return;
    this.#items = this.#items.slice(this.#from);
    this.#from = 0;
  }
}

export class Lanes<T extends NonNullable<unknown>> {
  readonly #lanes = new Map<string, Lane<T>>();
  /** Those of which nothing is under way and something waits, in the order in which that came about. */
  #ready: Lane<T>[] = [];
  #readyFrom = 0;

  /** Lanes from which something could be taken now. */
  get ready(): number {
    return this.#ready.length - this.#readyFrom;
  }

  /** @returns the lane that it waits in now */
  add(transaction: string, item: T): Lane<T> {
    const found = this.#lanes.get(transaction);
    if (found !== undefined) {
      found.add(item);
      return found;
    }
    const lane = new Lane(transaction, [item]);
    this.#lanes.set(transaction, lane);
    this.#ready.push(lane);
    return lane;
  }

  /** Something of the transaction, of which nothing is here, is under way that was not taken from here. */
  hold(transaction: string): Lane<T> {
    const lane = new Lane<T>(transaction, []);
    this.#lanes.set(transaction, lane);
    return lane;
  }

  /** Whether something of the transaction waits or is under way. */
  has(transaction: string): boolean {
    return this.#lanes.has(transaction);
  }

  /**
   * Takes items, in order, of the transaction whose turn it is; its lane is busy until `release`.
   * @param fits whether one more may come along with the first
   */
  take(fits: (item: T) => boolean): { readonly lane: Lane<T>; readonly items: T[] } | undefined {
    const lane = this.#ready[this.#readyFrom];
    if (lane === undefined) return undefined;
    this.#readyFrom += 1;
    if (this.#readyFrom === this.#ready.length || this.#readyFrom > MOST_TURNS) {
      this.#ready = this.#ready.slice(this.#readyFrom);
      this.#readyFrom = 0;
    }
    const items = [lane.first!];
    lane.shift();
    for (let next = lane.first; next !== undefined && fits(next); next = lane.first) {
      items.push(next);
      lane.shift();
    }
    return { lane, items };
  }

  /** What was taken is finished: the next of the transaction may go. */
  release(lane: Lane<T>): void {
    lane.isStalled = false;
    if (lane.first === undefined) this.#lanes.delete(lane.transaction);
    else this.#ready.push(lane);
  }
}
