/**
 * What a stream that can do nothing now waits for: fresh entries at the tail, there also for its batch to fill, or for a moment.
 * Its next step ends the wait.
 */
import type { Waiting } from './live-tail.ts';
import type { Runnable } from './scheduler.ts';
import type { StreamPlan } from './stream-plan.ts';
import type { StreamSurroundings } from './surroundings.ts';

export class NextTurn {
  readonly #stream: Waiting & Runnable;
  readonly #plan: StreamPlan;
  readonly #around: StreamSurroundings;
  #timer: NodeJS.Timeout | undefined;
  /** Messages that wait at the tail for their batch to fill. */
  #held = 0;

  constructor(stream: Waiting & Runnable, plan: StreamPlan, around: StreamSurroundings) {
    this.#stream = stream;
    this.#plan = plan;
    this.#around = around;
  }

  /** Takes its turn, soon. */
  soon(): void {
    this.#around.scheduler.enqueue(this.#stream);
  }

  afterMs(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.leaveTail();
      this.#stream.step();
    }, ms);
  }

  atTail(): void {
    this.#around.tail.wait(this.#plan.client, this.#stream);
  }

  leaveTail(): void {
    this.#around.tail.leave(this.#plan.client, this.#stream);
  }

  /** Lets messages gather at the tail until they fill a batch or have waited long enough. @returns whether it waits */
  forBatch(count: number): boolean {
    const { messages = Number.POSITIVE_INFINITY, waitMs } = this.#plan.batch;
    if (this.#held === 0) this.afterMs(waitMs);
    this.#held += count;
    if (this.#held < messages) return true;
    this.soon();
    return false;
  }

  /** The turn has come. */
  begin(): void {
    clearTimeout(this.#timer);
    this.#held = 0;
  }

  /** No turn is wanted any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.leaveTail();
  }
}
