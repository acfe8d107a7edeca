/** Tells the server how far a named consumer has come: after its messages were handled, not when they were received. */
import { type Connection, send } from './connection.ts';

export interface CheckpointState {
  readonly epoch: string;
  readonly offset: number;
  /** The stream that the consumer has now. */
  readonly stream: string;
}

const EVERY_MS = 1_000;

/** Writes at most one checkpoint at a time and about one a second, always the latest. */
export class Checkpoints {
  readonly #connection: Connection;
  readonly #path: string;
  readonly #everyMs: number;
  #latest: CheckpointState | undefined;
  #written = 0;
  #writing: Promise<void> | undefined;
  #failure: unknown;

  constructor(connection: Connection, consumer: string, everyMs: number = EVERY_MS) {
    this.#connection = connection;
    this.#path = `/v1/consumers/${encodeURIComponent(consumer)}`;
    this.#everyMs = everyMs;
  }

  /** Everything up to there has been handled. @throws what the last write met, such as a ProblemError 409 where the consumer was lost */
  handled(state: CheckpointState): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#latest = state;
    if (this.#writing === undefined && Date.now() - this.#written >= this.#everyMs) void this.flush().catch(() => {});
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
    } catch (error) {
      this.#failure = error;
      throw error;
    } finally {
      this.#writing = undefined;
      this.#written = Date.now();
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
