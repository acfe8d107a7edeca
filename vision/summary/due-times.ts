/** When each transaction is to be looked at again, in stream time. Asking before any is due costs one comparison. */
export class DueTimes {
  readonly #dues = new Map<string, number>();
  #next = Number.POSITIVE_INFINITY;

  get(key: string): number | undefined {
    return this.#dues.get(key);
  }

  /** @param due undefined: not until something happens to it */
  set(key: string, due: number | undefined): void {
    if (due === undefined) this.#dues.delete(key);
    else this.#dues.set(key, due);
    if (due !== undefined && due < this.#next) this.#next = due;
  }

  /** Those that are due at `time`. They stay due until they are set anew. */
  passed(time: number): string[] {
    if (time < this.#next) return [];
    this.#next = Number.POSITIVE_INFINITY;
    const passed: string[] = [];
    for (const [key, due] of this.#dues) {
      if (due <= time) passed.push(key);
      if (due < this.#next) this.#next = due;
    }
    return passed;
  }
}
