/**
 * Deadlines that all lie equally far ahead, by one timer: they expire in the order in which they were set, so only the first matters.
 * A timer for each request would cost about as much as signing it, and a map of them a good part of that: they are a list, each
 * linked with its neighbours.
 */

export interface Expiring {
  /** Its deadline has passed. */
  expire(): void;
}

/** One that was set, to be taken out with. */
export interface Deadline {
  readonly item: Expiring;
  /** By the clock of `performance.now`. */
  readonly at: number;
  before: Deadline | undefined;
  after: Deadline | undefined;
  isSet: boolean;
}

export class Deadlines {
  readonly #ms: number;
  /** What waits, in the order in which it was set. */
  #first: Deadline | undefined;
  #last: Deadline | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param ms how far ahead each deadline lies */
  constructor(ms: number) {
    this.#ms = ms;
  }

  add(item: Expiring): Deadline {
    const before = this.#last;
    const deadline = { item, at: performance.now() + this.#ms, before, after: undefined, isSet: true };
    if (before === undefined) this.#first = deadline;
    else before.after = deadline;
    this.#last = deadline;
    // Left alone when what it was set for is finished: it fires once in a while and looks at what there is then.
    this.#timer ??= setTimeout(() => this.#look(), this.#ms);
    return deadline;
  }

  /** It does not expire any more. One that has, or was taken out before, may be taken out again. */
  delete(deadline: Deadline): void {
    if (!deadline.isSet) return;
    deadline.isSet = false;
    const { before, after } = deadline;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
  }

  /** Nothing expires any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#first !== undefined) this.delete(this.#first);
  }

  #look(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (let first = this.#first; first !== undefined; first = this.#first) {
      if (first.at > now) {
        this.#timer = setTimeout(() => this.#look(), first.at - now);
        return;
      }
      this.delete(first);
      first.item.expire();
    }
  }
}
