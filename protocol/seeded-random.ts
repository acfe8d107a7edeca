/** Numbers that look random and follow from a seed: what was made, simulated or broken once can be repeated exactly, on every machine. */

/** Mulberry32 (Tommy Ettinger, public domain). Not for secrets. @returns gives numbers from 0 up to, but not including, 1 */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
