/** Decides whether there is room for more work, and says honestly when there will be. */
import { Problem } from '../../protocol/http/problem.ts';
import type { LoadSignal } from './load-signal.ts';

/** The journal of results is behind every image, whatever its token grants. */
const JOURNAL = 'firehose';
const MAX_RETRY_AFTER_SECONDS = 300;
/** Those that are sent away together should not come back together. */
const JITTER = 0.25;

export class Admission {
  readonly #signal: LoadSignal;
  readonly #random: () => number;

  /** @param random from 0 up to 1 */
  constructor(signal: LoadSignal, random: () => number) {
    this.#signal = signal;
    this.#random = random;
  }

  /** @param services that are to describe the images @param now ms since the epoch @throws {Problem} overloaded */
  check(services: readonly string[], now: number): void {
    const congestion = this.#signal.congestion([...services, JOURNAL], now);
    if (congestion === undefined) return;
    const seconds = Math.ceil(congestion.seconds * (1 + JITTER * this.#random()));
    throw new Problem('overloaded', `More waits for ${congestion.service} than it gets done in time.`, {
      members: { waiting_for: congestion.service },
      retryAfterSeconds: Math.min(Math.max(1, seconds), MAX_RETRY_AFTER_SECONDS),
    });
  }

  accepted(services: readonly string[], images: number): void {
    this.#signal.accepted(services, images);
  }
}
