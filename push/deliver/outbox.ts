/**
 * What an endpoint is to be sent next: reads the journal ahead, keeps the order of each transaction, gathers what one request
 * holds, and remembers what waits for another try.
 *
 * Bounded whatever the receiver does: of messages that flow, a window of frames is held; of those that wait (for another try,
 * or behind one of their transaction that does) only the offset, and their frames are read again when their turn comes.
 * When too many wait, nothing more is read.
 */
import type { PushMode } from '../../protocol/webhook/grant.ts';
import { DueQueue } from '../machines/due-queue.ts';
import { type Lane, Lanes } from '../machines/lanes.ts';
import { type Position, Progress, type Unfinished } from '../machines/progress.ts';
import { type Delivery, deliveryId, type Item } from './delivery.ts';
import { FrameWindow } from './frame-window.ts';
import { Gathering, gather, NO_LIMITS } from './gather.ts';
import { forEachFrame, itemOf, NotJournaledAgainError, PAGE_BYTES, type ReadFrames } from './read-frames.ts';

export interface OutboxOptions {
  readonly maxUnfinished: number;
  readonly batch: { readonly messages: number; readonly bytes: number; readonly waitMs: number };
}

/** Lanes that are ready to be taken from: with so many nothing needs to be read. */
const READY_ENOUGH = 128;
/** Others want the event loop, too. */
const PAGES_AT_ONCE = 8;
/** Pause while the journal is being built anew. It is looked at sooner when something is journaled for the endpoint. */
const LOOK_AGAIN_MS = 1_000;
/** In mode full each message is a request of its own. */
const ALONE = () => false;

export class Outbox {
  readonly #read: ReadFrames;
  readonly #options: OutboxOptions;
  readonly #progress: Progress;
  readonly #window: FrameWindow;
  readonly #gathering: Gathering;
  readonly #lanes = new Lanes<Item>();
  readonly #waiting = new DueQueue<Delivery>();
  /** Told of a gap: what lay past the first offset, up to the second, was retired before it was pushed. */
  readonly #onGap: (after: number, until: number) => void;
  /** Items in lanes, with or without a frame. */
  #queued = 0;
  /** The journal may hold more. */
  #hasMore = true;

  /** What was not finished before a restart, until it has been found in the journal. Nothing else is sent before. */
  #toRestore: readonly Unfinished[];
  #restoreAt = Number.NEGATIVE_INFINITY;

  constructor(
    read: ReadFrames,
    position: Position,
    options: OutboxOptions,
    onGap: (after: number, until: number) => void,
  ) {
    this.#read = read;
    this.#options = options;
    this.#onGap = onGap;
    this.#progress = new Progress(position.scanned);
    this.#window = new FrameWindow(read);
    this.#gathering = new Gathering(options.batch.messages, options.batch.waitMs);
    this.#toRestore = position.unfinished;
  }

  /** Everything up to here has been taken from the journal. */
  get scanned(): number {
    return this.#progress.scanned;
  }

  get unfinished(): number {
    return this.#progress.unfinishedCount + this.#toRestore.length;
  }

  /** Nothing more is read before something is finished. */
  get isFull(): boolean {
    return this.#progress.unfinishedCount >= this.#options.maxUnfinished;
  }

  /** Bytes of the frames that are held. */
  get heldBytes(): number {
    return this.#window.bytes;
  }

  get finishedUpTo(): number {
    const [first] = this.#toRestore;
    return first === undefined ? this.#progress.finishedUpTo : first.offset - 1;
  }

  position(): Position {
    if (this.#toRestore.length > 0) return { scanned: this.#progress.scanned, unfinished: this.#toRestore };
    return this.#progress.position();
  }

  /** Something was appended to the journal. */
  wake(): void {
    this.#hasMore = true;
  }

  /**
   * The next request, if there is one to be sent now.
   * @throws what reading the journal throws: nothing is lost, ask again later
   */
  next(mode: PushMode, now: number): Delivery | undefined {
    if (this.#toRestore.length > 0 && !this.#restore(mode, now)) return undefined;
    const again = this.#waiting.take(now);
    if (again !== undefined) return this.#ready(again, now);
    this.#fill(mode);
    if (this.#lanes.ready === 0) return undefined;
    if (mode === 'full') {
      const { lane, items } = this.#lanes.take(ALONE)!;
      return this.#begin(mode, items, [lane], now);
    }
    if (this.#gathering.isOn(this.#queued, now)) return undefined;
    this.#gathering.end();
    const { items, lanes } = gather(this.#lanes, mode === 'thin' ? NO_LIMITS : this.#options.batch);
    return this.#begin(mode, items, lanes, now);
  }

  /** When (ms) `next` may have something without anything else happening; Infinity for never. */
  nextAt(): number {
    if (this.#toRestore.length > 0) return this.#restoreAt;
    if (this.#hasMore && this.#lanes.ready === 0 && this.#hasRoom()) return Number.NEGATIVE_INFINITY;
    return Math.min(this.#waiting.nextAt, this.#gathering.endsAt);
  }

  /** Pushed, or set aside. */
  finish(delivery: Delivery): void {
    for (const item of delivery.items) {
      this.#progress.finish(item);
      this.#window.release(item);
    }
    for (const lane of delivery.lanes) this.#lanes.release(lane);
  }

  /** To be tried again at `at`, and nothing of its transactions before it. */
  retry(delivery: Delivery, at: number): void {
    for (const item of delivery.items) {
      this.#progress.failed(item, delivery.attempts, at);
      this.#window.release(item);
    }
    for (const lane of delivery.lanes) {
      lane.isStalled = true;
      for (const item of lane.waiting) this.#window.release(item);
    }
    this.#waiting.add(at, delivery);
  }

  /**
   * The endpoint is back: what waits for another try need not wait any longer, and the try that its outage cost does not
   * count.
   */
  bringForward(now: number): void {
    const waiting = this.#waiting.drain().sort((a, b) => a.items[0]!.offset - b.items[0]!.offset);
    for (const delivery of waiting) {
      delivery.attempts = Math.max(0, delivery.attempts - 1);
      for (const item of delivery.items) this.#progress.failed(item, delivery.attempts, now);
      this.#waiting.add(now, delivery);
    }
    this.#toRestore = this.#toRestore.map(({ offset, attempts }) => {
      return { offset, attempts: Math.max(0, attempts - 1), notBefore: now };
    });
  }

  #ready(delivery: Delivery, now: number): Delivery {
    // Word that there is something new holds nothing of it.
    if (delivery.mode === 'thin') return delivery;
    try {
      for (const item of delivery.items) this.#window.load(item);
      return delivery;
    } catch (error) {
      this.#waiting.add(now, delivery);
      throw error;
    }
  }

  #begin(mode: PushMode, items: readonly Item[], lanes: readonly Lane<Item>[], now: number): Delivery {
    this.#queued -= items.length;
    return this.#ready({ items, lanes, mode, id: deliveryId(mode, items), attempts: 0, letter: undefined }, now);
  }

  #fill(mode: PushMode): void {
    for (let page = 0; page < PAGES_AT_ONCE; page++) {
      if (!this.#hasMore || this.#lanes.ready >= READY_ENOUGH || !this.#hasRoom()) return;
      const found = this.#read({ after: this.#progress.scanned, maxBytes: PAGE_BYTES });
      if (found.kind === 'retired') {
        this.#onGap(this.#progress.scanned, found.earliest - 1);
        this.#progress.skipTo(found.earliest - 1);
        continue;
      }
      this.#hasMore = !found.end;
      forEachFrame(found.chunks, (head, frame) => {
        const item = itemOf(head, frame);
        this.#progress.begin(item);
        const lane = this.#lanes.add(head.transaction, item);
        if (mode !== 'thin' && !lane.isStalled) this.#window.hold(item, frame);
        this.#queued += 1;
      });
    }
  }

  #hasRoom(): boolean {
    return !this.isFull && this.#window.hasRoom();
  }

  /** @returns false where the journal is being built anew from the log and does not hold all of it again */
  #restore(mode: PushMode, now: number): boolean {
    const all = this.#toRestore;
    let items: (Item | undefined)[];
    try {
      // The last one first: where the journal has come to that, it has all that the log still has.
      items = all.toReversed().map(({ offset }) => this.#window.find(offset));
    } catch (error) {
      if (!(error instanceof NotJournaledAgainError)) throw error;
      this.#restoreAt = now + LOOK_AGAIN_MS;
      return false;
    }
    this.#toRestore = [];
    const lost: number[] = [];
    for (const [i, item] of items.reverse().entries()) {
      if (item === undefined) lost.push(all[i]!.offset);
      else this.#takeUp(Object.assign(item, all[i]!), mode);
    }
    if (lost.length > 0) this.#onGap(lost[0]! - 1, lost.at(-1)!);
    return true;
  }

  /** Goes on with a message where a restart has interrupted it. */
  #takeUp(item: Item, mode: PushMode): void {
    const { transaction, attempts, notBefore } = item;
    this.#progress.begin(item);
    if (attempts > 0 && !this.#lanes.has(transaction)) {
      const lane = this.#lanes.hold(transaction);
      lane.isStalled = true;
      const items = [item];
      const delivery = { items, lanes: [lane], mode, id: deliveryId(mode, items), attempts, letter: undefined };
      this.#waiting.add(notBefore, delivery);
      return;
    }
    this.#lanes.add(transaction, item);
    this.#queued += 1;
  }
}
