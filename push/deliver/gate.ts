/**
 * When a request may be sent to one endpoint: what its breaker, its concurrency, its pace and the pauses that the receiver asked for
 * allow together, in the room that all endpoints share. The machines behind it are values; this keeps the current ones.
 */
import type { Answer } from '../machines/answer.ts';
import { admitsAt, answered, type Breaker, CLOSED, OPEN_FOR_PROBE, probeAbandoned, sent } from '../machines/breaker.ts';
import { type Concurrency, delivered, failed, startConcurrency } from '../machines/concurrency.ts';
import { type Pace, paceAllows, paced, UNPACED } from '../machines/pace.ts';
import type { DeliveryOptions } from './options.ts';
import type { SharedRoom } from './shared-room.ts';

/** A request that was let through. */
export interface Passage {
  /** It decides whether the breaker closes. */
  readonly isProbe: boolean;
  /** ms since the epoch. */
  readonly sentAt: number;
}

export interface GateStatus {
  readonly breaker: Breaker['kind'];
  readonly inFlight: number;
  readonly concurrency: number;
  /** When a request is let through next, ms; absent where nothing keeps it. */
  readonly nextTry?: number;
}

export class Gate {
  readonly #options: Pick<DeliveryOptions, 'breaker' | 'concurrency'>;
  readonly #room: SharedRoom;
  #breaker: Breaker;
  #concurrency: Concurrency;
  #pace: Pace = UNPACED;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #inFlight = 0;
  /** Set while nothing is let through; resolved when nothing is under way any more. */
  #drained: PromiseWithResolvers<void> | undefined;

  /** @param isWell false: it was failing when its state was stored, and the first request is a probe */
  constructor(options: Pick<DeliveryOptions, 'breaker' | 'concurrency'>, room: SharedRoom, isWell: boolean) {
    this.#options = options;
    this.#room = room;
    this.#breaker = isWell ? CLOSED : OPEN_FOR_PROBE;
    this.#concurrency = startConcurrency(options.concurrency);
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * When (ms) a request may be sent; past for at once, Infinity where only the answer to another one changes that.
   * @param rate requests per second, 0 for no limit
   */
  opensAt(rate: number): number {
    // With something under way its answer is what brings the worker back here.
    if (this.#inFlight >= Math.floor(this.#concurrency.limit) || !this.#room.admits(this.#inFlight))
      return Number.POSITIVE_INFINITY;
    if (this.#drained !== undefined) return Number.POSITIVE_INFINITY;
    return Math.max(admitsAt(this.#breaker), this.#pausedUntil, paceAllows(this.#pace, rate));
  }

  /** A request is sent, as `opensAt` allows. */
  enter(rate: number, now: number): Passage {
    const isProbe = this.#breaker.kind === 'open';
    this.#breaker = sent(this.#breaker);
    this.#pace = paced(this.#pace, rate, now);
    this.#room.enter(this.#inFlight);
    this.#inFlight += 1;
    return { isProbe, sentAt: now };
  }

  /**
   * It was answered. @param random in [0, 1) @returns whether the endpoint has come back by it: the breaker, half-open before, is closed
   */
  leave({ isProbe, sentAt }: Passage, answer: Answer, tookMs: number, now: number, random: number): boolean {
    const isDelivered = answer.kind === 'delivered';
    this.#concurrency = isDelivered
      ? delivered(this.#concurrency, tookMs, this.#inFlight, this.#options.concurrency)
      : failed(this.#concurrency, sentAt, now);
    this.#free();
    if (answer.kind === 'failed' && answer.retryAfterMs !== undefined)
      this.#pausedUntil = Math.max(this.#pausedUntil, now + answer.retryAfterMs);
    const before = this.#breaker;
    this.#breaker = answered(before, isDelivered, isProbe, now, random, this.#options.breaker);
    return before.kind === 'half-open' && this.#breaker.kind === 'closed';
  }

  /** It was cut off by a shutdown, which says nothing about the receiver. */
  abandon(now: number): void {
    this.#free();
    this.#breaker = probeAbandoned(this.#breaker, now);
  }

  /** Its client says that the endpoint is there again: whatever kept requests back, the next one is a probe. */
  reopen(): void {
    this.#breaker = OPEN_FOR_PROBE;
    this.#pausedUntil = Number.NEGATIVE_INFINITY;
  }

  /** Lets nothing more through, until `admitAgain`. Resolves when nothing is under way. */
  drain(): Promise<void> {
    this.#drained ??= Promise.withResolvers();
    if (this.#inFlight === 0) this.#drained.resolve();
    return this.#drained.promise;
  }

  /** Ends what `drain` has begun. */
  admitAgain(): void {
    this.#drained = undefined;
  }

  status(now: number): GateStatus {
    const next = Math.max(admitsAt(this.#breaker), this.#pausedUntil);
    return {
      breaker: this.#breaker.kind,
      inFlight: this.#inFlight,
      concurrency: Math.floor(this.#concurrency.limit),
      ...(Number.isFinite(next) && next > now && { nextTry: next }),
    };
  }

  #free(): void {
    this.#inFlight -= 1;
    this.#room.leave(this.#inFlight);
    if (this.#inFlight === 0) this.#drained?.resolve();
  }
}
