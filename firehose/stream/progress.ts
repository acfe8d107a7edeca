/** How a stream gets on: what it has sent, how fast, and for how long its peer has taken nothing. */
import type { Sink } from './sink.ts';

/** The speed is taken over so long. */
const SPEED_MS = 1_000;
/** Where nobody has looked for so long, what the peer did meanwhile is not known: it is not held against it. */
const UNSEEN_MS = 1_000;

export class Progress {
  #messages = 0;
  #bytes = 0;
  #speed = 0;
  #speedAt: number;
  #speedFrom = 0;
  #taken = 0;
  #takenAt: number;
  #seenAt: number;

  /** @param now ms */
  constructor(now: number) {
    this.#speedAt = now;
    this.#takenAt = now;
    this.#seenAt = now;
  }

  /** Messages sent. */
  get messages(): number {
    return this.#messages;
  }

  /** Bytes of message frames sent. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Messages per second, lately. */
  get speed(): number {
    return this.#speed;
  }

  /** Bytes of a message on average, 0 before the first. */
  get meanBytes(): number {
    return this.#messages === 0 ? 0 : this.#bytes / this.#messages;
  }

  /** Nothing has been sent lately, and the speed says so. */
  get resting(): boolean {
    return this.#speed === 0 && this.#messages === this.#speedFrom;
  }

  sent(messages: number, bytes: number): void {
    this.#messages += messages;
    this.#bytes += bytes;
  }

  tick(now: number, { taken, backlog }: Pick<Sink, 'taken' | 'backlog'>): void {
    const unseen = now - this.#seenAt > UNSEEN_MS;
    this.#seenAt = now;
    if (backlog === 0 || taken !== this.#taken || unseen) {
      this.#taken = taken;
      this.#takenAt = now;
    }
    const since = now - this.#speedAt;
    if (since < SPEED_MS) return;
    this.#speed = ((this.#messages - this.#speedFrom) / since) * 1000;
    this.#speedFrom = this.#messages;
    this.#speedAt = now;
  }

  /** For how long bytes have been waiting of which the peer has taken none, ms. */
  stuckMs(now: number): number {
    return now - this.#takenAt;
  }
}
