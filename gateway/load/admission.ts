/** Decides whether there is room for more work, and says honestly when there will be. */
import { Problem } from '../../protocol/http/problem.ts';
import type { Demand } from './demand.ts';
import type { LoadSignal } from './load-signal.ts';

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

  /** @param demands of the images @param now ms since the epoch @throws {Problem} overloaded */
  check(demands: readonly Demand[], now: number): void {
    const congestion = this.#signal.congestion(demands, now);
    if (congestion === undefined) return;
    const seconds = Math.ceil(congestion.seconds * (1 + JITTER * this.#random()));
    throw new Problem('overloaded', `More waits for ${congestion.service} than it gets done in time.`, {
      members: { waiting_for: congestion.service },
      retryAfterSeconds: Math.min(Math.max(1, seconds), MAX_RETRY_AFTER_SECONDS),
    });
  }

  /** Counts what was taken in until the services report it themselves. @param now ms since the epoch */
  accepted(demands: readonly Demand[], images: number, now: number): void {
    this.#signal.accepted(demands, images, now);
  }
}
