/**
 * Room for requests under way, shared by all endpoints of a process: thousands of connections at once are slower than a few hundred,
 * here and at the receivers.
 *
 * Each endpoint may always have one request under way. Beyond that it may have as many more as are still free (dynamic thresholds,
 * Choudhury and Hahne, 1998): one alone gets half of the room, many get even shares, and some is always left for one that
 * comes later, however many of the others hang.
 */

export class SharedRoom {
  readonly #room: number;
  #taken = 0;

  /** @param room requests under way beyond the first of each endpoint */
  constructor(room: number) {
    this.#room = room;
  }

  /** Requests under way beyond the first of each endpoint. */
  get taken(): number {
    return this.#taken;
  }

  /** Whether an endpoint that has `inFlight` requests under way may have one more. */
  admits(inFlight: number): boolean {
    return inFlight === 0 || inFlight - 1 < this.#room - this.#taken;
  }

  /** @param inFlight before the request that is sent now */
  enter(inFlight: number): void {
    if (inFlight > 0) this.#taken += 1;
  }

  /** @param inFlight after the request that has ended */
  leave(inFlight: number): void {
    if (inFlight > 0) this.#taken -= 1;
  }
}
