/**
 * Decides which image may be in the inference child, and who is to blame when the child dies.
 *
 * Pure: no timers, no process. Images enter in the order in which they were asked for. When the child dies with
 * several images in it nobody knows which one did it, so each goes again on its own; the one that is alone in the
 * child when it dies is the culprit. An innocent image is never blamed for its neighbour.
 */

export interface Admitted {
  readonly id: number;
}

interface Slot<Request extends Admitted> {
  readonly request: Request;
  /** Must not share the child with another image. */
  readonly alone: boolean;
}

export class Admission<Request extends Admitted> {
  #concurrency: number;
  #waiting: Slot<Request>[] = [];
  /** In the order in which they entered the child, which is the order in which the child begins to analyse them. */
  #inside: Slot<Request>[] = [];

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** How many the child takes, from now on. */
  set concurrency(concurrency: number) {
    this.#concurrency = concurrency;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get inside(): number {
    return this.#inside.length;
  }

  /** The image that the child works on: the one whose time runs. */
  get head(): Request | undefined {
    return this.#inside[0]?.request;
  }

  add(request: Request): void {
    this.#waiting.push({ request, alone: false });
  }

  /** Takes the next image into the child, if there is one and room for it. */
  enter(): Request | undefined {
    const next = this.#waiting[0];
    if (next === undefined || this.#inside.length >= this.#concurrency) return undefined;
    if (this.#inside.length > 0 && (next.alone || this.#inside.some((slot) => slot.alone))) return undefined;
    this.#waiting.shift();
    this.#inside.push(next);
    return next.request;
  }

  /** The child has answered. @returns undefined when the image is not in the child (any more). */
  leave(id: number): Request | undefined {
    const index = this.#inside.findIndex((slot) => slot.request.id === id);
    return index < 0 ? undefined : this.#inside.splice(index, 1)[0]?.request;
  }

  /** Takes an image out of the queue. @returns false when it does not wait. */
  withdraw(id: number): boolean {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter((slot) => slot.request.id !== id);
    return this.#waiting.length < before;
  }

  /**
   * The child has died. What was in it waits again, first in the queue and in the same order.
   * @param innocent the cause is known to be none of these images, so they need not go one by one.
   * @returns the image that caused it, if that is certain; it is out of the queue.
   */
  lost(innocent: boolean): Request | undefined {
    const lost = this.#inside;
    this.#inside = [];
    if (!innocent && lost.length === 1) return lost[0]?.request;
    this.#waiting = [...lost.map(({ request, alone }) => ({ request, alone: alone || !innocent })), ...this.#waiting];
    return undefined;
  }

  /** Empties everything. @returns all that was not answered. */
  clear(): Request[] {
    const all = [...this.#inside, ...this.#waiting].map((slot) => slot.request);
    this.#inside = [];
    this.#waiting = [];
    return all;
  }
}
