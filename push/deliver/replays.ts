/**
 * Dead letters on their way out again: beside the outbox, in the order in which they were set aside. Whatever else their
 * transactions have to say has long been pushed, so they wait for nothing.
 */
import type { PushMode } from '../../protocol/webhook/grant.ts';
import { DueQueue } from '../machines/due-queue.ts';
import type { DeliveryStore } from '../store/delivery-store.ts';
import { type Delivery, deliveryId, type Item } from './delivery.ts';

const PAGE = 64;

export class Replays {
  readonly #store: DeliveryStore;
  readonly #endpoint: string;
  readonly #mode: () => PushMode;
  readonly #waiting = new DueQueue<Delivery>();
  /** Letters that are waiting or under way. */
  readonly #taken = new Set<number>();
  #hasMore = true;

  constructor(store: DeliveryStore, endpoint: string, mode: () => PushMode) {
    this.#store = store;
    this.#endpoint = endpoint;
    this.#mode = mode;
  }

  /** Letters were marked. */
  wake(): void {
    this.#hasMore = true;
  }

  next(now: number): Delivery | undefined {
    if (this.#hasMore && this.#taken.size === 0) this.#fill(now);
    return this.#waiting.take(now);
  }

  nextAt(): number {
    return this.#waiting.nextAt;
  }

  retry(delivery: Delivery, at: number): void {
    this.#waiting.add(at, delivery);
  }

  delivered(delivery: Delivery): void {
    this.#store.forget(delivery.letter!);
    this.#taken.delete(delivery.letter!);
  }

  /** In vain: it is a dead letter again. */
  died(delivery: Delivery): void {
    this.#taken.delete(delivery.letter!);
  }

  #fill(now: number): void {
    const letters = this.#store.toReplay(this.#endpoint, -1, PAGE);
    this.#hasMore = letters.length === PAGE;
    for (const { id, frame, time, ...rest } of letters) {
      this.#taken.add(id);
      const about = { ...rest, time: new Date(time).toISOString(), traceparent: undefined };
      const items: Item[] = [{ ...about, size: frame.length, frame, attempts: 0, notBefore: 0, isFinished: false }];
      const mode = this.#mode();
      this.#waiting.add(now, { items, lanes: [], mode, id: deliveryId(mode, items), attempts: 0, letter: id });
    }
  }
}
