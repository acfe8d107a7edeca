/** All open streams of this node: their clock, and their end when the node drains. */
import type { Stream } from './stream.ts';

const TICK_MS = 100;

export class Streams {
  readonly #open = new Map<string, Stream>();
  readonly #clock: NodeJS.Timeout;
  readonly #empty: (() => void)[] = [];

  /** @param now milliseconds since the epoch */
  constructor(now: () => number) {
    this.#clock = setInterval(() => {
      const time = now();
      for (const stream of this.#open.values()) stream.tick(time);
    }, TICK_MS).unref();
  }

  get size(): number {
    return this.#open.size;
  }

  add(stream: Stream): void {
    this.#open.set(stream.id, stream);
  }

  remove(stream: Stream): void {
    this.#open.delete(stream.id);
    if (this.#open.size === 0) for (const resolve of this.#empty.splice(0)) resolve();
  }

  /** The journals have been opened anew: what was appended meanwhile was told to nobody. */
  nudge(): void {
    for (const stream of this.#open.values()) stream.nudge();
  }

  /** Says goodbye to all, each with another moment to come back: a restart is no stampede. */
  async drain(retryAfterMs: () => number): Promise<void> {
    for (const stream of [...this.#open.values()]) stream.end('draining', Math.round(retryAfterMs()));
    if (this.#open.size > 0) await new Promise<void>((resolve) => this.#empty.push(resolve));
    clearInterval(this.#clock);
  }
}
