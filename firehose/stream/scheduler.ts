/**
 * Takes turns among streams that have something to send: each does one step, then the next one's turn comes, and the event
 * loop gets its own after a few milliseconds, so that a thousand readers catching up leave the live ones alone.
 */

export interface Runnable {
  /** One bounded step. Must not throw. */
  step(): void;
}

/** How long streams may run before timers and sockets get their turn. */
const SLICE_MS = 8;

export class Scheduler {
  #waiting: Runnable[] = [];
  readonly #queued = new Set<Runnable>();
  #scheduled = false;

  /** Gives it one turn, soon; twice before that turn is once. */
  enqueue(runnable: Runnable): void {
    if (this.#queued.has(runnable)) return;
    this.#queued.add(runnable);
    this.#waiting.push(runnable);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    const turn = this.#waiting;
    this.#waiting = [];
    const end = performance.now() + SLICE_MS;
    let at = 0;
    do {
      const runnable = turn[at++]!;
      this.#queued.delete(runnable);
      runnable.step();
    } while (at < turn.length && performance.now() < end);
    // Those whose turn did not come go before those who asked for another one meanwhile.
    if (at < turn.length) this.#waiting = turn.slice(at).concat(this.#waiting);
    if (this.#waiting.length > 0) this.#schedule();
  }
}
