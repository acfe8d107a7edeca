/**
 * Bounds what is being taken in at once: requests of each client, bytes of all.
 *
 * A place is taken before the body is read and given back when the request has been answered, so memory stays bounded
 * however many clients send at once.
 */
import { Problem } from '../../protocol/http/problem.ts';

export interface InFlightBounds {
  readonly requestsPerClient: number;
  readonly bytes: number;
}

/** The shortest wait that HTTP can express; a place is usually free much sooner. */
const RETRY_AFTER_SECONDS = 1;

export class InFlight {
  readonly #bounds: InFlightBounds;
  readonly #requests = new Map<string, number>();
  readonly #whenIdle: (() => void)[] = [];
  #bytes = 0;

  constructor(bounds: InFlightBounds) {
    this.#bounds = bounds;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Requests of all clients. */
  get requests(): number {
    let sum = 0;
    for (const count of this.#requests.values()) sum += count;
    return sum;
  }

  /**
   * @param bytes the most that the request may hold
   * @param places how many the client has; 0: as many as any other
   * @returns gives the place back; to be called once
   * @throws {Problem} rate-limited or unavailable
   */
  enter(client: string, bytes: number, places = 0): () => void {
    const requests = this.#requests.get(client) ?? 0;
    const most = places === 0 ? this.#bounds.requestsPerClient : places;
    if (requests >= most)
      throw new Problem('rate-limited', `${requests} submissions of this client are still being taken in.`, {
        members: { limit: most },
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    // One request is always let in, even if it is larger than the bound.
    if (this.#bytes > 0 && this.#bytes + bytes > this.#bounds.bytes)
      throw new Problem('unavailable', 'Too much is being taken in at this moment.', {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    this.#requests.set(client, requests + 1);
    this.#bytes += bytes;
    return () => this.#leave(client, bytes);
  }

  /** Resolves when nothing is being taken in any more, or after `mostMs`. */
  async idle(mostMs: number): Promise<void> {
    if (this.#requests.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, mostMs);
    this.#whenIdle.push(resolve);
    await promise;
    clearTimeout(timer);
  }

  #leave(client: string, bytes: number): void {
    this.#bytes -= bytes;
    const requests = this.#requests.get(client)! - 1;
    if (requests === 0) this.#requests.delete(client);
    else this.#requests.set(client, requests);
    if (this.#requests.size === 0) for (const tell of this.#whenIdle.splice(0)) tell();
  }
}
