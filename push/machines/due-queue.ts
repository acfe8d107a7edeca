/** Things that are due at a time, the earliest first: a binary heap. */

interface Due<T> {
  readonly at: number;
  readonly value: T;
}

export class DueQueue<T> {
  #heap: Due<T>[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** When the first is due; Infinity where there is none. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  add(at: number, value: T): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push({ at, value });
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent]!.at <= at) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = { at, value };
  }

  /** The first that is due by `now`. */
  take(now: number): T | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return undefined;
    const last = this.#heap.pop()!;
    if (this.#heap.length > 0) this.#sink(last);
    return first.value;
  }

  /** Empties it. */
  drain(): T[] {
    const values = this.#heap.map(({ value }) => value);
    this.#heap = [];
    return values;
  }

  #sink(item: Due<T>): void {
    const heap = this.#heap;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child += 1;
      if (heap[child]!.at >= item.at) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = item;
  }
}
