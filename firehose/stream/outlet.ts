/** Where a stream's messages go out: in its format, counted, and up to a position that only moves on. */
import type { Format } from '../format/format.ts';
import { Chunk, discard } from './chunk.ts';
import type { FreshEntries } from './live-tail.ts';
import type { Progress } from './progress.ts';
import type { Sink } from './sink.ts';
import type { Step } from './source.ts';

/** A connection that does not take the end of its response is cut after so long. */
const LINGER_MS = 2_000;

export class Outlet {
  readonly #format: Format;
  readonly #sink: Sink;
  readonly #progress: Progress;
  #position: number;

  constructor(after: number, io: { readonly format: Format; readonly sink: Sink }, progress: Progress) {
    this.#position = after;
    this.#format = io.format;
    this.#sink = io.sink;
    this.#progress = progress;
  }

  /** Everything up to here has been sent or dropped by the filter. */
  get position(): number {
    return this.#position;
  }

  /** Sends what was read. Its frames are the stream's own: their memory is freed with the write. */
  step(step: Step): void {
    for (const frames of step.frames) {
      const data = this.#format.messages(frames);
      if (data !== frames) discard(frames);
      this.#sink.write(Chunk.own(data));
    }
    this.#position = step.position;
    this.#progress.sent(step.messages, step.bytes);
  }

  /** Sends what was just appended. @returns false where it does not follow the position, or the connection has no room */
  fresh(fresh: FreshEntries): boolean {
    const follows = fresh.prev <= this.#position && this.#position < fresh.first;
    if (!follows || this.#sink.full) return false;
    const chunk = fresh.chunk(this.#format);
    this.#sink.write(chunk);
    this.#position = fresh.last;
    this.#progress.sent(fresh.count, chunk.data.length);
    this.#sink.flush();
    return true;
  }

  end(): void {
    this.#sink.end();
    setTimeout(() => this.#sink.destroy(), LINGER_MS).unref();
  }
}
