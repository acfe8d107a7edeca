/**
 * Connections that are away and will come back, by the step in which they are due. A fluid: a group may be a fraction of a
 * connection, and groups that are due together, of one partition and after as many failures, are one.
 */

export interface Group {
  readonly partition: number;
  readonly connections: number;
  /**
   * Messages owed to all of them now, less what each one's stream had come to, times their number. What they are owed
   * later is this and what it has come to then, times their number: so groups that left at different times add up.
   */
  readonly base: number;
  /** Tries that failed already. */
  readonly attempt: number;
}

/** More failures than this make no further difference. */
const MOST_ATTEMPTS = 7;

export class WaitingRoom {
  readonly #due = new Map<number, Map<number, Group>>();
  readonly #random: () => number;
  /** By partition, over all groups. */
  readonly #connections: number[] = [];
  readonly #bases: number[] = [];

  /** @param random 0 to 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  get connections(): number {
    return this.#connections.reduce((sum, connections) => sum + connections, 0);
  }

  /** Messages owed to those of a partition. @param grown how far each one's stream has come */
  owed(partition: number, grown: number): number {
    return (this.#bases[partition] ?? 0) + (this.#connections[partition] ?? 0) * grown;
  }

  /** Puts a group in, spread over steps as independent clients that each draw their moment from the same interval. */
  add(group: Group, firstStep: number, steps: number): void {
    if (group.connections <= 0) return;
    for (const [index, share] of this.#shares(group.connections, Math.max(1, Math.round(steps))).entries())
      if (share > 0)
        this.#put({ ...group, connections: group.connections * share, base: group.base * share }, firstStep + index);
    this.#count(group, 1);
  }

  /** Takes out those that are due. */
  take(step: number): Iterable<Group> {
    const groups = this.#due.get(step)?.values() ?? [];
    this.#due.delete(step);
    const taken = [...groups];
    for (const group of taken) this.#count(group, -1);
    return taken;
  }

  #put(group: Group, step: number): void {
    const attempt = Math.min(group.attempt, MOST_ATTEMPTS);
    const key = group.partition * (MOST_ATTEMPTS + 1) + attempt;
    const due = this.#due.get(step) ?? new Map<number, Group>();
    this.#due.set(step, due);
    const there = due.get(key);
    const connections = group.connections + (there?.connections ?? 0);
    due.set(key, { partition: group.partition, attempt, connections, base: group.base + (there?.base ?? 0) });
  }

  #count({ partition, connections, base }: Group, sign: 1 | -1): void {
    this.#connections[partition] = (this.#connections[partition] ?? 0) + sign * connections;
    this.#bases[partition] = (this.#bases[partition] ?? 0) + sign * base;
  }

  /** What falls into each of so many steps: its expectation and the noise of so many independent draws; sums to 1. */
  #shares(connections: number, steps: number): number[] {
    if (steps === 1) return [1];
    const mean = connections / steps;
    const counts = Array.from({ length: steps }, () => Math.max(0, mean + Math.sqrt(mean) * this.#normal()));
    const sum = counts.reduce((total, count) => total + count, 0);
    // A handful of connections may fall nowhere by the noise.
    return sum === 0 ? [1, ...new Array<number>(steps - 1).fill(0)] : counts.map((count) => count / sum);
  }

  /** Box and Muller. */
  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
  }
}
