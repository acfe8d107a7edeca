/** Puts together what one request of mode batch or thin holds, of as many transactions as have something waiting. */
import type { Lane, Lanes } from '../machines/lanes.ts';
import type { Item } from './delivery.ts';

export interface GatherLimits {
  readonly messages: number;
  readonly bytes: number;
}

export const NO_LIMITS: GatherLimits = { messages: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

export interface Gathered {
  /** Ascending by offset. */
  readonly items: readonly Item[];
  /** Those of their transactions, busy now. */
  readonly lanes: readonly Lane<Item>[];
}

/** Takes from lanes whose turn it is, in order, until a limit is reached; at least one item, where a lane is ready. */
export function gather(all: Lanes<Item>, limits: GatherLimits): Gathered {
  const items: Item[] = [];
  const lanes: Lane<Item>[] = [];
  let bytes = 0;
  let messages = 0;
  const fits = (item: Item) => {
    if (messages >= limits.messages || bytes + item.size > limits.bytes) return false;
    messages += 1;
    bytes += item.size;
    return true;
  };
  while (messages < limits.messages && bytes < limits.bytes && all.ready > 0) {
    messages += 1;
    const taken = all.take(fits)!;
    bytes += taken.items[0]!.size;
    items.push(...taken.items);
    lanes.push(taken.lane);
  }
  items.sort((a, b) => a.offset - b.offset);
  return { items, lanes };
}

/** Holds a request back for a while, for more to come into it. */
export class Gathering {
  readonly #enough: number;
  readonly #waitMs: number;
  #since: number | undefined;

  /** @param enough so many messages wait for nothing @param waitMs others wait at most so long */
  constructor(enough: number, waitMs: number) {
    this.#enough = enough;
    this.#waitMs = waitMs;
  }

  /** When (ms) the wait is over; Infinity where nothing waits. */
  get endsAt(): number {
    return this.#since === undefined ? Number.POSITIVE_INFINITY : this.#since + this.#waitMs;
  }

  /** Whether `waiting` messages, at least one, wait for more to come. The wait begins with the first call. */
  isOn(waiting: number, now: number): boolean {
    if (waiting >= this.#enough) return false;
    this.#since ??= now;
    return now < this.endsAt;
  }

  end(): void {
    this.#since = undefined;
  }
}
