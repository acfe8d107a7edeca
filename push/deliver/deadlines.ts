/**
 * Deadlines that all lie equally far ahead, by one timer: they expire in the order in which they were set, so only the first matters.
 * A timer for each request would cost about as much as signing it.
 */

export interface Expiring {
  /** Its deadline has passed. */
  expire(): void;
}

export class Deadlines {
  readonly #ms: number;
  /** What waits, with its deadline, in the order of both. */
  readonly #waiting = new Map<Expiring, number>();
  #timer: NodeJS.Timeout | undefined;

  /** @param ms how far ahead each deadline lies */
  constructor(ms: number) {
    this.#ms = ms;
  }

  add(item: Expiring): void {
    this.#waiting.set(item, performance.now() + this.#ms);
    // Left alone when what it was set for is finished: it fires once in a while and looks at what there is then.
    this.#timer ??= setTimeout(() => this.#look(), this.#ms);
  }

  delete(item: Expiring): void {
    this.#waiting.delete(item);
  }

  /** Nothing expires any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
  }

  #look(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const [item, deadline] of this.#waiting) {
      if (deadline > now) {
        this.#timer = setTimeout(() => this.#look(), deadline - now);
        return;
      }
      this.#waiting.delete(item);
      item.expire();
    }
  }
}
