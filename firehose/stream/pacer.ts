/**
 * Spreads what is sent evenly over time: two token buckets, one for messages and one for bytes, so small that nothing
 * comes in bursts. Pure: time comes in.
 */
import type { Rate } from '../request/stream-request.ts';

/** What a bucket holds at most, in seconds of its rate: the most that can come at once after a pause. */
const BURST_S = 0.04;
/** How much must have gathered before something is sent, in seconds of the rate: fewer, larger writes. */
const SLICE_S = 0.02;

export interface Quota {
  readonly messages: number | undefined;
  readonly bytes: number | undefined;
}

export class Pacer {
  #messages: Bucket | undefined;
  #bytes: Bucket | undefined;

  /** @param now ms, of any steady clock */
  constructor(rate: Rate, now: number) {
    this.set(rate, now);
  }

  set({ messages, bytes }: Rate, now: number): void {
    this.#messages = messages === undefined ? undefined : new Bucket(messages, now);
    this.#bytes = bytes === undefined ? undefined : new Bucket(bytes, now);
  }

  get limited(): boolean {
    return this.#messages !== undefined || this.#bytes !== undefined;
  }

  /** How long until something may be sent, ms; 0 for now. */
  delay(now: number): number {
    return Math.max(this.#messages?.delay(now) ?? 0, this.#bytes?.delay(now) ?? 0);
  }

  /** What may be sent now, where `delay` is 0. At least one of each: a message larger than the quota delays the next. */
  quota(now: number): Quota {
    return { messages: this.#messages?.quota(now), bytes: this.#bytes?.quota(now) };
  }

  /** How long so much takes at this pace; 0 without one. */
  secondsFor(messages: number, bytes: number): number {
    return Math.max(this.#messages?.secondsFor(messages) ?? 0, this.#bytes?.secondsFor(bytes) ?? 0);
  }

  spent(messages: number, bytes: number): void {
    this.#messages?.spend(messages);
    this.#bytes?.spend(bytes);
  }
}

class Bucket {
  readonly #perMs: number;
  readonly #capacity: number;
  readonly #slice: number;
  #tokens = 0;
  #filled: number;

  constructor(perSecond: number, now: number) {
    this.#perMs = perSecond / 1000;
    this.#capacity = Math.max(1, perSecond * BURST_S);
    this.#slice = Math.max(1, perSecond * SLICE_S);
    this.#filled = now;
  }

  delay(now: number): number {
    this.#fill(now);
    const missing = this.#slice - this.#tokens;
    return missing <= 0 ? 0 : Math.ceil(missing / this.#perMs);
  }

  quota(now: number): number {
    this.#fill(now);
    return Math.max(1, Math.floor(this.#tokens));
  }

  /** May run into debt, which is paid off before anything more is sent. */
  spend(amount: number): void {
    this.#tokens -= amount;
  }

  secondsFor(amount: number): number {
    return amount / this.#perMs / 1000;
  }

  #fill(now: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + Math.max(0, now - this.#filled) * this.#perMs);
    this.#filled = now;
  }
}

/** The lower of two paces, each field for itself. */
export function lowerRate(a: Rate, b: Rate): Rate {
  return { messages: lower(a.messages, b.messages), bytes: lower(a.bytes, b.bytes) };
}

function lower(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
}
