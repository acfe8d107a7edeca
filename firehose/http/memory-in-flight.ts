/**
 * Keeps the memory that frames of a destroyed stream still point to.
 *
 * Without TLS, Node gives the socket frames that point into what was written to a stream, and lets go of that memory as soon
 * as the server destroys the stream, though the socket may not have taken the frames yet: garbage collected by then, they
 * would go out as whatever was put there since. A ping is sent behind them; once the peer answers it they are gone. (A peer
 * cannot do this with a reset of its own: Node reads nothing from a connection while it waits for it to take something.)
 */
import type { ServerHttp2Session } from 'node:http2';

/** A connection that takes nothing while so much was given up on it is ended whole. */
const MOST_KEPT_BYTES = 16 << 20;

/** By session, so that what a session keeps ends with it. */
const keptBy = new WeakMap<ServerHttp2Session, MemoryInFlight>();

let givenUp = 0;

/** How many connections were ended since the last call because they took nothing of what was given up on them. */
export function takeConnectionsGivenUp(): number {
  const count = givenUp;
  givenUp = 0;
  return count;
}

/** @param data written to a stream of the session that was destroyed before the write was over */
export function keepUntilTaken(session: ServerHttp2Session, data: Buffer): void {
  const kept = keptBy.get(session) ?? new MemoryInFlight(session);
  keptBy.set(session, kept);
  kept.keep(data);
}

class MemoryInFlight {
  readonly #session: ServerHttp2Session;
  #kept: Buffer[] = [];
  #bytes = 0;
  #asking = false;

  constructor(session: ServerHttp2Session) {
    this.#session = session;
  }

  keep(data: Buffer): void {
    this.#kept.push(data);
    this.#bytes += data.length;
    if (this.#bytes > MOST_KEPT_BYTES) this.#giveUp();
    else if (!this.#asking) this.#ask();
  }

  #giveUp(): void {
    if (this.#session.destroyed) return;
    givenUp += 1;
    this.#session.destroy();
  }

  #ask(): void {
    if (this.#session.destroyed) return;
    this.#asking = true;
    const before = this.#kept.length;
    this.#session.ping((error) => {
      this.#asking = false;
      // Unanswered where the session ends: the memory goes with it.
      if (error) return;
      for (const data of this.#kept.splice(0, before)) this.#bytes -= data.length;
      if (this.#kept.length > 0) this.#ask();
    });
  }
}
