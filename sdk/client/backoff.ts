/** Pauses between tries that grow and differ from client to client, so that a server that comes back is not overrun. */

export interface BackoffOptions {
  /** Upper bound of the first pause, ms. Default 250. */
  readonly firstMs?: number;
  /** Upper bound of all pauses, ms. Default 15,000. */
  readonly longestMs?: number;
  /** 0 to 1. */
  readonly random?: () => number;
}

/** Exponential backoff with full jitter (M. Brooker, "Exponential Backoff And Jitter", 2015). */
export class Backoff {
  readonly #first: number;
  readonly #longest: number;
  readonly #random: () => number;
  #failures = 0;

  constructor({ firstMs = 250, longestMs = 15_000, random = Math.random }: BackoffOptions = {}) {
    this.#first = firstMs;
    this.#longest = longestMs;
    this.#random = random;
  }

  /** How long to wait after one more failure, ms. */
  next(): number {
    const bound = Math.min(this.#longest, this.#first * 2 ** this.#failures);
    this.#failures++;
    return Math.round(this.#random() * bound);
  }

  succeeded(): void {
    this.#failures = 0;
  }
}

/** Waits, or rejects with the signal's reason when it is aborted. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const timer = setTimeout(done, ms);
    function done() {
      signal?.removeEventListener('abort', aborted);
      resolve();
    }
    function aborted() {
      clearTimeout(timer);
      reject(signal!.reason);
    }
    signal?.addEventListener('abort', aborted, { once: true });
  });
}
