/** Tells the server how far a named consumer has come: after its messages were handled, not when they were received. */
import { Backoff, pause } from './backoff.ts';
import { type Connection, send, TransientError } from './connection.ts';

export interface CheckpointState {
  readonly epoch: string;
  readonly offset: number;
  /** The stream that the consumer has now. */
  readonly stream: string;
}

const EVERY_MS = 1_000;
/** Between tries, at the least. */
const RETRY_MS = 250;
const LAST_TRIES = 5;

/**
 * Writes at most one checkpoint at a time and about one a second, always the latest. One that could not be written now is made good
 * by the next.
 */
export class Checkpoints {
  readonly #connection: Connection;
  readonly #path: string;
  readonly #everyMs: number;
  #latest: CheckpointState | undefined;
  #written = 0;
  #writing: Promise<void> | undefined;
  /** The last one was not written. */
  #missed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #finished = false;
  #failure: unknown;
  #stream = '';

  constructor(connection: Connection, consumer: string, everyMs: number = EVERY_MS) {
    this.#connection = connection;
    this.#path = `/v1/consumers/${encodeURIComponent(consumer)}`;
    this.#everyMs = everyMs;
  }

  /** The consumer has this stream now, '' while it asks for one: that an earlier one has lost it means nothing any more. */
  connected(stream: string): void {
    this.#stream = stream;
  }

  /** Everything up to there has been handled. @throws what the last write met, such as a ProblemError 409 where the consumer was lost */
  handled(state: CheckpointState): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#latest = state;
    this.#schedule();
  }

  /** Also what was handled before a quiet time is written, without waiting for the next message. */
  #schedule(): void {
    if (this.#finished || this.#latest === undefined || this.#writing !== undefined || this.#timer !== undefined)
      return;
    const pauseMs = this.#missed ? Math.max(this.#everyMs, RETRY_MS) : this.#everyMs;
    const waitMs = this.#written + pauseMs - Date.now();
    const write = () => {
      this.#timer = undefined;
      void this.flush().catch(() => {});
    };
    if (waitMs <= 0) write();
    else this.#timer = setTimeout(write, waitMs);
  }

  /** Writes what has not been written yet. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing.catch(() => {});
    const state = this.#latest;
    if (state === undefined) return;
    this.#latest = undefined;
    this.#writing = this.#write(state);
    try {
      await this.#writing;
      this.#missed = false;
    } catch (error) {
      this.#missed = true;
      if (error instanceof TransientError) this.#latest ??= state;
      else if (state.stream === this.#stream) this.#failure = error;
      throw error;
    } finally {
      this.#writing = undefined;
      this.#written = Date.now();
      this.#schedule();
    }
  }

  /** Writes what has not been written yet, a few times if it must be; then it is left, and comes again to whoever goes on. */
  async finish(): Promise<void> {
    this.#finished = true;
    clearTimeout(this.#timer);
    const backoff = new Backoff();
    for (let tries = 1; ; tries++) {
      try {
        return await this.flush();
      } catch (error) {
        if (!(error instanceof TransientError) || tries === LAST_TRIES) return;
        await pause(backoff.next(), undefined);
      }
    }
  }

  async #write(state: CheckpointState): Promise<void> {
    const response = await send(this.#connection, this.#path, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(state),
    });
    await response.body?.cancel();
  }
}
