/** A sink that keeps what it gets, and takes so much at a time as the test says. */
import type { Chunk } from '../stream/chunk.ts';
import type { Sink, SinkEvents } from '../stream/sink.ts';

export class MemorySink implements Sink {
  readonly #capacity: number;
  readonly #parts: Buffer[] = [];
  #events: SinkEvents | undefined;
  backlog = 0;
  taken = 0;
  ended = false;

  /** @param capacity bytes after which it is full until `drain` */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get full(): boolean {
    return this.backlog >= this.#capacity;
  }

  get data(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** The peer takes everything. */
  drain(): void {
    const wasFull = this.full;
    this.taken += this.backlog;
    this.backlog = 0;
    if (wasFull) this.#events?.drained();
  }

  write(chunk: Chunk): void {
    this.#parts.push(Buffer.from(chunk.data));
    this.backlog += chunk.data.length;
    chunk.release();
  }

  flush(): void {}

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.ended = true;
  }

  listen(events: SinkEvents): void {
    this.#events = events;
  }
}
