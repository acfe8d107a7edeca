/** Random choices that follow from a seed and a name. */
import { createHash } from 'node:crypto';
import { seeded } from '../../protocol/seeded-random.ts';

export class Random {
  /** From 0 up to, but not including, 1. */
  readonly fraction: () => number;

  constructor(seed: number) {
    this.fraction = seeded(seed);
  }

  /** A generator for one thing among many: the same seed and name give the same sequence. */
  static for(seed: number, name: string): Random {
    return new Random(createHash('sha256').update(`${seed}/${name}`).digest().readUInt32LE());
  }

  /** Both ends inclusive. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  pick<T>(items: readonly [T, ...T[]] | readonly T[]): T {
    return items[this.integer(0, items.length - 1)]!;
  }
}
