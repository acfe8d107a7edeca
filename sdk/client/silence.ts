/** How long a connection may say nothing before it is taken for dead. */

/** Until hello names the heartbeat. */
const CONNECT_TIMEOUT_MS = 30_000;

/** Aborts a connection that has been silent for too long: half-open ones are never told. */
export class Silence {
  readonly #controller = new AbortController();
  readonly signal: AbortSignal;
  #limitMs = CONNECT_TIMEOUT_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(outer: AbortSignal | undefined) {
    this.signal = outer === undefined ? this.#controller.signal : AbortSignal.any([outer, this.#controller.signal]);
    this.heard();
  }

  expect(limitMs: number): void {
    this.#limitMs = Math.max(limitMs, 1_000);
    this.heard();
  }

  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(new Error('the server fell silent')), this.#limitMs);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }
}
