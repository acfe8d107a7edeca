/**
 * Bounds what is in work at once, by count and by bytes, over all partitions of a service.
 *
 * What has waited longest on its log goes first. Turns by partition would let an image of an idle partition pass all that wait in
 * a busy one, and the wait of these would be longer than what the gateway promises from the lag of all partitions together.
 *
 * One that is larger than the whole bound is let in alone rather than never; one that is suspected of killing the process is let
 * in alone as well, so that the next death tells whether it was the one.
 */

export interface Entrance {
  readonly bytes: number;
  readonly alone: boolean;
  /** When the log took the record, ms since the epoch. */
  readonly since: number;
}

interface Waiting extends Entrance {
  readonly admit: () => void;
}

export class Gate {
  readonly #maxCount: number;
  readonly #maxBytes: number;
  readonly #queue: Waiting[] = [];
  #count = 0;
  #bytes = 0;
  #aloneInside = false;

  constructor(bounds: { readonly count: number; readonly bytes: number }) {
    this.#maxCount = bounds.count;
    this.#maxBytes = bounds.bytes;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves with the way out, to be called once, when there is room. Rejects with the signal's reason if that comes first. */
  async enter(request: Entrance, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#queue.length > 0 || !this.#hasRoom(request)) await this.#wait(request, signal);
    else this.#admit(request);
    return () => this.#leave(request);
  }

  #wait(request: Entrance, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abandon = () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(signal.reason);
        // The one that gave up may have been what the others waited behind.
        this.#admitNext();
      };
      const waiting: Waiting = {
        ...request,
        admit: () => {
          signal.removeEventListener('abort', abandon);
          resolve();
        },
      };
      signal.addEventListener('abort', abandon, { once: true });
      const younger = this.#queue.findIndex(({ since }) => since > request.since);
      this.#queue.splice(younger === -1 ? this.#queue.length : younger, 0, waiting);
      // It may have passed one that waits for more room than it needs.
      this.#admitNext();
    });
  }

  #hasRoom({ bytes, alone }: Entrance): boolean {
    if (this.#count === 0) return true;
    return !alone && !this.#aloneInside && this.#count < this.#maxCount && this.#bytes + bytes <= this.#maxBytes;
  }

  #admit({ bytes, alone }: Entrance): void {
    this.#count += 1;
    this.#bytes += bytes;
    if (alone) this.#aloneInside = true;
  }

  #leave({ bytes, alone }: Entrance): void {
    this.#count -= 1;
    this.#bytes -= bytes;
    if (alone) this.#aloneInside = false;
    this.#admitNext();
  }

  #admitNext(): void {
    for (let next = this.#queue[0]; next !== undefined && this.#hasRoom(next); next = this.#queue[0]) {
      this.#queue.shift();
      this.#admit(next);
      next.admit();
    }
  }
}
