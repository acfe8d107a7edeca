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
import { Lanes } from '../machines/lanes.ts';
import { type Position, Progress } from '../machines/progress.ts';
import { type Delivery, deliveryId, type Item } from './delivery.ts';
import { type FrameHead, forEachFrame, type ReadFrames } from './read-frames.ts';

export interface OutboxOptions {
  readonly maxUnfinished: number;
  readonly batchMessages: number;
  readonly batchBytes: number;
  readonly batchWaitMs: number;
}

/** Frames held of messages that flow: enough for any number of requests under way, few enough to count for nothing. */
const WINDOW_MESSAGES = 512;
const WINDOW_BYTES = 8 << 20;
const PAGE_BYTES = 1 << 18;
/** Others want the event loop, too. */
const PAGES_AT_ONCE = 8;

export class Outbox {
  readonly #read: ReadFrames;
  readonly #options: OutboxOptions;
  readonly #progress: Progress;
  readonly #lanes = new Lanes<Item>();
  readonly #waiting = new DueQueue<Delivery>();
  /** Transactions of which something waits for another try. */
  readonly #stalled = new Set<string>();
  /** Items in lanes, with or without a frame. */
  #queued = 0;
  #heldMessages = 0;
  #heldBytes = 0;
  /** The journal may hold more. */
  #hasMore = true;
  /** Since when (ms) a batch that is not full waits for more; undefined where nothing waits. */
  #gatheringSince: number | undefined;
  /** Entries that were retired before they were pushed, in how many gaps. */
  gaps = 0;

  constructor(read: ReadFrames, position: Position, mode: PushMode, options: OutboxOptions) {
    this.#read = read;
    this.#options = options;
    this.#progress = new Progress(position);
    for (const { offset, attempts, notBefore } of position.unfinished) this.#restore(offset, attempts, notBefore, mode);
  }

  get unfinished(): number {
    return this.#progress.unfinishedCount;
  }

  get finishedUpTo(): number {
    return this.#progress.finishedUpTo;
  }

  get scanned(): number {
    return this.#progress.scanned;
  }

  position(): Position {
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
    const again = this.#waiting.take(now);
    if (again !== undefined) return this.#ready(again, now);
    this.#fill(mode);
    if (this.#lanes.ready === 0) return undefined;
    if (mode === 'full') {
      const { transaction, items } = this.#lanes.take(() => false)!;
      return this.#delivery(mode, items, [transaction]);
    }
    if (this.#gathers(now)) return undefined;
    this.#gatheringSince = undefined;
    return this.#gather(mode);
  }

  /** When (ms) `next` may have something without anything else happening; Infinity for never. */
  nextAt(): number {
    if (this.#hasMore && this.#lanes.ready === 0 && this.#hasRoom()) return Number.NEGATIVE_INFINITY;
    const gathered =
      this.#gatheringSince === undefined ? Number.POSITIVE_INFINITY : this.#gatheringSince + this.#options.batchWaitMs;
    return Math.min(this.#waiting.nextAt, gathered);
  }

  /** Pushed, or set aside. */
  finish(delivery: Delivery): void {
    for (const item of delivery.items) {
      this.#progress.finish(item.offset);
      this.#let(item);
    }
    for (const transaction of delivery.transactions) {
      this.#stalled.delete(transaction);
      this.#lanes.release(transaction);
    }
  }

  /** To be tried again at `at`, and nothing of its transactions before it. */
  retry(delivery: Delivery, at: number): void {
    for (const item of delivery.items) {
      this.#progress.failed(item.offset, delivery.attempts, at);
      this.#let(item);
    }
    for (const transaction of delivery.transactions) {
      this.#stalled.add(transaction);
      for (const item of this.#lanes.waiting(transaction)) this.#let(item);
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
      for (const { offset } of delivery.items) this.#progress.failed(offset, delivery.attempts, now);
      this.#waiting.add(now, delivery);
    }
  }

  #ready(delivery: Delivery, now: number): Delivery {
    try {
      for (const item of delivery.items) this.#load(item);
      return delivery;
    } catch (error) {
      this.#waiting.add(now, delivery);
      throw error;
    }
  }

  #delivery(mode: PushMode, items: readonly Item[], transactions: readonly string[]): Delivery {
    this.#queued -= items.length;
    const delivery: Delivery = {
      items,
      transactions,
      mode,
      id: deliveryId(mode, items),
      attempts: 0,
      letter: undefined,
    };
    if (mode !== 'thin') for (const item of items) this.#load(item);
    return delivery;
  }

  #gather(mode: PushMode): Delivery {
    const { batchMessages, batchBytes } = this.#options;
    const most = mode === 'thin' ? Number.POSITIVE_INFINITY : batchMessages;
    const items: Item[] = [];
    const transactions: string[] = [];
    let count = 0;
    let bytes = 0;
    const fits = (item: Item) => {
      if (count >= most || (mode === 'batch' && bytes + item.size > batchBytes)) return false;
      count += 1;
      bytes += item.size;
      return true;
    };
    while (count < most && (mode === 'thin' || bytes < batchBytes) && this.#lanes.ready > 0) {
      count += 1;
      const taken = this.#lanes.take(fits)!;
      bytes += taken.items[0]!.size;
      items.push(...taken.items);
      transactions.push(taken.transaction);
    }
    items.sort((a, b) => a.offset - b.offset);
    return this.#delivery(mode, items, transactions);
  }

  /** Whether what there is waits for more to come. */
  #gathers(now: number): boolean {
    if (this.#queued >= this.#options.batchMessages) return false;
    this.#gatheringSince ??= now;
    return now < this.#gatheringSince + this.#options.batchWaitMs;
  }

  #fill(mode: PushMode): void {
    for (let page = 0; page < PAGES_AT_ONCE; page++) {
      if (!this.#hasMore || this.#lanes.ready >= WINDOW_MESSAGES / 4 || !this.#hasRoom()) return;
      const found = this.#read({ after: this.#progress.scanned, maxBytes: PAGE_BYTES });
      if (found.kind === 'retired') {
        this.gaps += 1;
        this.#progress.skipTo(found.earliest - 1);
        continue;
      }
      this.#hasMore = !found.end;
      forEachFrame(found.chunks, (head, frame) => {
        this.#progress.begin(head.offset);
        const item = itemOf(head, frame);
        if (mode !== 'thin' && !this.#stalled.has(head.transaction)) this.#hold(item, frame);
        this.#lanes.add(head.transaction, item);
        this.#queued += 1;
      });
    }
  }

  #hasRoom(): boolean {
    return (
      this.#heldMessages < WINDOW_MESSAGES &&
      this.#heldBytes < WINDOW_BYTES &&
      this.#progress.unfinishedCount < this.#options.maxUnfinished
    );
  }

  #hold(item: Item, frame: Buffer): void {
    item.frame = frame;
    this.#heldMessages += 1;
    this.#heldBytes += item.size;
  }

  #let(item: Item): void {
    if (item.frame === undefined) return;
    item.frame = undefined;
    this.#heldMessages -= 1;
    this.#heldBytes -= item.size;
  }

  #load(item: Item): void {
    if (item.frame !== undefined) return;
    // Retired while it waited: what is known of it still goes out, so that the client learns what it has missed.
    this.#hold(item, this.#readOne(item.offset)?.frame ?? retiredFrame(item));
  }

  #readOne(offset: number): { head: FrameHead; frame: Buffer } | undefined {
    const found = this.#read({ after: offset - 1, until: offset, maxBytes: PAGE_BYTES });
    let one: { head: FrameHead; frame: Buffer } | undefined;
    if (found.kind === 'range') {
      forEachFrame(found.chunks, (head, frame) => {
        one = { head, frame };
      });
    }
    return one;
  }

  /** @param mode of requests that are put together from what had been tried before a restart */
  #restore(offset: number, attempts: number, notBefore: number, mode: PushMode): void {
    const one = this.#readOne(offset);
    if (one === undefined) {
      this.#progress.finish(offset);
      return;
    }
    const item = itemOf(one.head, one.frame);
    const { transaction } = item;
    if (attempts > 0 && !this.#lanes.isBusy(transaction) && this.#lanes.waiting(transaction).length === 0) {
      this.#lanes.hold(transaction);
      this.#stalled.add(transaction);
      const items = [item];
      const delivery = { items, transactions: [transaction], mode, id: deliveryId(mode, items), attempts };
      this.#waiting.add(notBefore, { ...delivery, letter: undefined });
      return;
    }
    this.#lanes.add(transaction, item);
    this.#queued += 1;
  }
}

function itemOf({ offset, id, type, transaction, time }: FrameHead, frame: Buffer): Item {
  return { offset, messageId: id, type, transaction, time: Date.parse(time), size: frame.length, frame: undefined };
}

function retiredFrame(item: Item): Buffer {
  const { offset, messageId, type, transaction } = item;
  return Buffer.from(
    JSON.stringify({ kind: 'message', offset, type, transaction, id: messageId, payload: null, retired: true }),
  );
}
