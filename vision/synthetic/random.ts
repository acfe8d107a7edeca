/**
 * A small seeded pseudo-random generator: the same seed gives the same sequence on every machine.
 *
 * Algorithm: SplitMix32-style mixing ("mulberry32" by Tommy Ettinger, public domain). Not for secrets.
 */
import { createHash } from 'node:crypto';

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A generator for one thing among many: the same seed and name give the same sequence. */
  static for(seed: number, name: string): Random {
    return new Random(createHash('sha256').update(`${seed}/${name}`).digest().readUInt32LE());
  }

  /** 0 inclusive to 1 exclusive. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Both ends inclusive. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  pick<T>(items: readonly [T, ...T[]] | readonly T[]): T {
    return items[this.integer(0, items.length - 1)]!;
  }
}
