/**
 * How many records a service gets done in a second when it has enough to do: measured only while something waits, since an
 * idle service says nothing of what it could do, and lowered only by what was done while enough waited all the time.
 */

/** How much the newest measurement counts. At one a second, half of the estimate is from the last two or three seconds. */
const WEIGHT = 0.25;

export class Throughput {
  #estimate = 0;
  #progressed: number | undefined;
  #last: { readonly done: number; readonly time: number; readonly waiting: number } | undefined;

  /** Records per second; 0 while nothing is known. */
  get perSecond(): number {
    return this.#estimate;
  }

  /** How long nothing has been finished although something waits. @param time ms since the epoch */
  stalledSeconds(time: number): number {
    return this.#last !== undefined && this.#last.waiting > 0 && this.#progressed !== undefined
      ? (time - this.#progressed) / 1000
      : 0;
  }

  /** @param done records finished since the start @param waiting records that wait now @param time ms since the epoch */
  measure(done: number, waiting: number, time: number): void {
    const last = this.#last;
    if (last === undefined || last.waiting === 0 || done !== last.done) this.#progressed = time;
    this.#last = { done, time, waiting };
    // A rate counts where there was work at both ends of the interval.
    if (last === undefined || last.waiting === 0 || waiting === 0 || time <= last.time) return;
    const rate = ((done - last.done) * 1000) / (time - last.time);
    // Less waited than was done: it may have had pauses, so it can do more than this and not less.
    const saturated = done - last.done <= Math.min(last.waiting, waiting);
    if (!saturated && this.#estimate > rate) return;
    this.#estimate = this.#estimate === 0 ? rate : this.#estimate + WEIGHT * (rate - this.#estimate);
  }
}
