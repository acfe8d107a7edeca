/** Decides how long to wait before a child that died is replaced, and when replacing it is hopeless. Pure. */

/** After so many starts in a row that came to nothing, images are refused rather than kept waiting. */
const HOPELESS_STARTS = 5;

export interface RestartDelays {
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

export class Restarts {
  readonly #delays: RestartDelays;
  /** Deaths since the last image that was answered. */
  #deaths = 0;
  /** Starts in a row that never became ready. */
  #emptyStarts = 0;
  /** Children that were started in the place of another. */
  count = 0;

  constructor(delays: RestartDelays) {
    this.#delays = delays;
  }

  answered(): void {
    this.#deaths = 0;
  }

  becameReady(): void {
    this.#emptyStarts = 0;
  }

  /** @returns whether it is hopeless by now */
  diedBeforeReady(): boolean {
    return ++this.#emptyStarts >= HOPELESS_STARTS;
  }

  /** Milliseconds before the next start: doubles with every death. */
  delayAfterDeath(): number {
    const { firstDelayMs, maxDelayMs } = this.#delays;
    return Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(this.#deaths++, 30));
  }
}
