/** When a writer moves its WAL into the database: at its limit, a little before that where there is time, later where it was held up. */
import { checkpoint } from './checkpoint.ts';
import type { VolumeWriter } from './volume-writer.ts';

export class WalUpkeep {
  readonly #limit: number;
  #next: number;

  /** @param limit bytes */
  constructor(limit: number) {
    this.#limit = limit;
    this.#next = limit;
  }

  /** @returns bytes that are in the WAL then */
  afterAppend(active: VolumeWriter): number {
    return this.#checkpointFrom(active, this.#next);
  }

  /** From three quarters of the limit on. */
  tidy(active: VolumeWriter): void {
    this.#checkpointFrom(active, this.#next - this.#limit / 4);
  }

  #checkpointFrom(active: VolumeWriter, bytes: number): number {
    if (!active.walReaches(bytes)) return active.walBytes;
    const size = active.walBytes;
    const done = checkpoint(active.database, this.#limit);
    // Where readers held it up, do not try (and wait) again at every batch, but well before it has doubled.
    this.#next = done ? this.#limit : size + this.#limit / 2;
    return done ? 0 : size;
  }
}
