/**
 * Room for requests under way, shared by all endpoints of a process.
 *
 * Each endpoint may always have one request under way. Beyond that it may have as many more as are still free (dynamic thresholds,
 * Choudhury and Hahne, 1998): one alone gets half of the room, many get even shares, and some is always left for one that
 * comes later, however many of the others hang.
 *
 * How much there is follows what it is good for. While the process waits for slow receivers, more requests at once bring more through.
 * When it has no time left itself they do not, and each costs more: a raw loop over 200 connections took a third more processor
 * time for a request than over 100. So the room grows by half while it is used and there is time to spare, and shrinks while there is none.
 */

const START = 64;
const LEAST = 2;
/** So few requests at once cost nothing extra. */
const FEW = 64;
/** Part of the time that the event loop is at work. */
const BUSY = 0.9;
const AT_LEISURE = 0.7;
const SHRINK = 0.7;
const GROW = 1.5;

export class SharedRoom {
  readonly #most: number;
  #room: number;
  #taken = 0;
  #inFlight = 0;

  /** @param most requests under way beyond the first of each endpoint, at any time */
  constructor(most: number) {
    this.#most = most;
    this.#room = Math.min(START, most);
  }

  /** Requests under way beyond the first of each endpoint that there may be now. */
  get size(): number {
    return Math.floor(this.#room);
  }

  /** Those that there are. */
  get taken(): number {
    return this.#taken;
  }

  /** Whether an endpoint that has `inFlight` requests under way may have one more. */
  admits(inFlight: number): boolean {
    return inFlight === 0 || inFlight - 1 < this.size - this.#taken;
  }

  /** @param inFlight of the endpoint, before the request that is sent now */
  enter(inFlight: number): void {
    this.#inFlight += 1;
    if (inFlight > 0) this.#taken += 1;
  }

  /** @param inFlight of the endpoint, after the request that has ended */
  leave(inFlight: number): void {
    this.#inFlight -= 1;
    if (inFlight > 0) this.#taken -= 1;
  }

  /** To be called several times a second. @param utilisation part of the time since the last call that the event loop was at work */
  adapt(utilisation: number): void {
    if (utilisation > BUSY && this.#inFlight > FEW) this.#room = Math.max(LEAST, this.#room * SHRINK);
    // Under dynamic thresholds half of it is taken by one endpoint that wants all.
    else if (utilisation < AT_LEISURE && this.#taken * 2 >= this.size)
      this.#room = Math.min(this.#most, this.#room * GROW);
  }
}
