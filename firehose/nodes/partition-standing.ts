/**
 * Whether the journal of a partition is as far as the log: pure, fed with positions and ends as they are seen.
 *
 * Caught up means: what was on the log a moment ago is in the journal now. A node is held to that by time and not by a number of
 * records, since a burst of thousands is nothing while it is taken in at once.
 */

/** What a node says of a partition that it holds. */
export interface PartitionReport {
  readonly state: 'rebuilding' | 'catching_up' | 'ready';
  /** Records of the log that are not journaled yet (as offsets, so an upper bound). */
  readonly lag: number;
  /** 0 to 1; 1 where it is ready. */
  readonly progress: number;
  /** How long the rest takes at the pace so far, in seconds; undefined where that is not known. */
  readonly secondsLeft: number | undefined;
}

/** An end of the log that the journal has not reached yet, and since when that is known. */
interface Mark {
  readonly end: number;
  readonly time: number;
}

/** A mark reached within this time is a moment ago. */
const MOMENT_MS = 2_000;

export class PartitionStanding {
  readonly #maxDelayMs: number;
  readonly #kind: 'rebuilding' | 'catching_up';
  #ready = false;
  #wasReady = false;
  #mark: Mark | undefined;
  #seen: number;
  #position: number;
  #end: number;
  /** Where and when it began to lie behind. */
  #from: { readonly position: number; readonly time: number };

  /**
   * @param isNew everything that the log has was still to come when it was opened
   * @param maxDelayMs one that was caught up is no longer when it lies behind by more than this
   */
  constructor(opened: { position: number; end: number; isNew: boolean; time: number }, maxDelayMs: number) {
    const { position, end, isNew, time } = opened;
    this.#maxDelayMs = maxDelayMs;
    this.#kind = isNew ? 'rebuilding' : 'catching_up';
    this.#position = position;
    this.#end = end;
    this.#seen = time;
    this.#from = { position, time };
    this.saw(position, end, time);
  }

  /** @param position next offset that the journal takes in @param end next offset of the log @param time ms */
  saw(position: number, end: number, time: number): void {
    // Nobody has looked for a long time, since the process stood still or the log was away: what came meanwhile is as late.
    const unseenSince = time - this.#seen > this.#maxDelayMs ? this.#seen : undefined;
    this.#seen = time;
    this.#position = position;
    this.#end = Math.max(end, position);
    if (unseenSince !== undefined && position < end) this.#mark ??= { end, time: unseenSince };
    if (this.#mark === undefined || position >= this.#mark.end) this.#reached(time);
    else if (this.#ready && time - this.#mark.time > this.#maxDelayMs) {
      this.#ready = false;
      this.#from = { position, time };
    }
  }

  at(time: number): PartitionReport {
    const lag = this.#end - this.#position;
    if (this.#ready) return { state: 'ready', lag, progress: 1, secondsLeft: 0 };
    const done = this.#position - this.#from.position;
    const seconds = (time - this.#from.time) / 1000;
    return {
      state: this.#wasReady ? 'catching_up' : this.#kind,
      lag,
      progress: lag === 0 ? 1 : done / (done + lag),
      secondsLeft: done === 0 || seconds <= 0 ? undefined : (lag * seconds) / done,
    };
  }

  #reached(time: number): void {
    const isRecent = this.#mark === undefined || time - this.#mark.time <= MOMENT_MS;
    const isBehind = this.#position < this.#end;
    if (!isBehind || (isRecent && this.#mark !== undefined)) {
      this.#ready = true;
      this.#wasReady = true;
    }
    this.#mark = isBehind ? { end: this.#end, time } : undefined;
  }
}
