/**
 * The frames that are held in memory for one endpoint, and the bound on them. What is let go is read again from the journal when its
 * turn comes.
 */
import type { Item } from './delivery.ts';
import { itemOf, type ReadFrames, readOne, retiredFrame } from './read-frames.ts';

/** Enough for any number of requests under way, few enough to count for nothing. */
const MOST_MESSAGES = 512;
const MOST_BYTES = 8 << 20;

export class FrameWindow {
  readonly #read: ReadFrames;
  #messages = 0;
  #bytes = 0;

  constructor(read: ReadFrames) {
    this.#read = read;
  }

  get bytes(): number {
    return this.#bytes;
  }

  hasRoom(): boolean {
    return this.#messages < MOST_MESSAGES && this.#bytes < MOST_BYTES;
  }

  hold(item: Item, frame: Buffer): void {
    item.frame = frame;
    this.#messages += 1;
    this.#bytes += item.size;
  }

  release(item: Item): void {
    if (item.frame === undefined) return;
    item.frame = undefined;
    this.#messages -= 1;
    this.#bytes -= item.size;
  }

  /** Sees to it that the frame is there. @throws what reading the journal throws */
  load(item: Item): void {
    if (item.frame !== undefined) return;
    // Retired while it waited: what is known of it still goes out, so that the client learns what it has missed.
    this.hold(item, readOne(this.#read, item.offset)?.frame ?? retiredFrame(item));
  }

  /** What is at the offset; undefined where the journal does not hold it any more. */
  find(offset: number): Item | undefined {
    const one = readOne(this.#read, offset);
    return one && itemOf(one.head, one.frame);
  }
}
