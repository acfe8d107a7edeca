/**
 * Lets the images of a batch be analysed in any order while their outcomes are sent in the order of each
 * transaction, and tells which leading part of the batch is done.
 */

/** Runs `send` of each key one after another, in the order in which `after` was called for it. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** @param ready what has to be there first; where it fails, its turn is over and the failure is the caller's */
  after<T, R>(key: string, ready: Promise<T>, send: (value: T) => Promise<R>): Promise<R> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const mine = Promise.all([ready, before]).then(([value]) => send(value));
    const over = mine.then(
      () => {},
      () => {},
    );
    this.#last.set(key, over);
    void over.then(() => {
      if (this.#last.get(key) === over) this.#last.delete(key);
    });
    return mine;
  }
}

/** Follows which records of a batch are done; positions may be committed only up to the first that is not. */
export class Contiguous {
  readonly #offsets: readonly number[];
  readonly #done: boolean[];
  #next = 0;

  /** @param offsets of the batch, ascending */
  constructor(offsets: readonly number[]) {
    this.#offsets = offsets;
    this.#done = offsets.map(() => false);
  }

  /** @returns the last offset up to which everything is done, if that moved */
  done(index: number): number | undefined {
    this.#done[index] = true;
    const from = this.#next;
    while (this.#done[this.#next] === true) this.#next += 1;
    return this.#next === from ? undefined : this.#offsets[this.#next - 1];
  }
}
