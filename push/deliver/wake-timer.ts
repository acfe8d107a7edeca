/** The one timer of a worker: set for a moment, set anew for another, without setting what is set already. */

/** Longest that Node's timers take. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class WakeTimer {
  readonly #wake: () => void;
  #timer: NodeJS.Timeout | undefined;
  #at = Number.POSITIVE_INFINITY;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** @param at ms since the epoch; Infinity for never @param now by the same clock */
  set(at: number, now: number): void {
    if (at === this.#at) return;
    this.clear();
    if (at === Number.POSITIVE_INFINITY) return;
    this.#at = at;
    const pause = Math.min(Math.max(at - now, 0), MAX_TIMER_MS);
    this.#timer = setTimeout(() => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#wake();
    }, pause);
  }

  clear(): void {
    if (this.#at === Number.POSITIVE_INFINITY) return;
    clearTimeout(this.#timer);
    this.#at = Number.POSITIVE_INFINITY;
  }
}
