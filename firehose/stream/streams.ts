/** All open streams of this node: who has how many, their clock, and their end when the node drains. */
import { Problem } from '../../protocol/http/problem.ts';
import type { Stream } from './stream.ts';

const TICK_MS = 100;
/** What a client is told when the node has no room, in seconds. */
const FULL_RETRY_S = 5;

export interface StreamLimits {
  readonly perNode: number;
  readonly overLimit: 'refuse-newest' | 'close-oldest';
}

export class Streams {
  readonly #limits: StreamLimits;
  readonly #open = new Map<string, Stream>();
  /** In the order of opening. */
  readonly #byClient = new Map<string, Set<Stream>>();
  readonly #clock: NodeJS.Timeout;
  readonly #empty: (() => void)[] = [];
  #draining = false;

  /** @param now milliseconds since the epoch */
  constructor(limits: StreamLimits, now: () => number) {
    this.#limits = limits;
    this.#clock = setInterval(() => {
      const time = now();
      for (const stream of this.#open.values()) stream.tick(time);
    }, TICK_MS).unref();
  }

  get size(): number {
    return this.#open.size;
  }

  all(): IterableIterator<Stream> {
    return this.#open.values();
  }

  /** The client's, in the order of opening. */
  of(client: string): readonly Stream[] {
    return [...(this.#byClient.get(client) ?? [])];
  }

  get(id: string): Stream | undefined {
    return this.#open.get(id);
  }

  /** The connection of a named consumer on this node. */
  ofConsumer(client: string, name: string): Stream | undefined {
    return this.of(client).find(({ plan }) => plan.consumer === name);
  }

  /**
   * Makes sure that there is room for one more stream of the client, by closing its oldest if that is the rule.
   *
   * @throws {Problem} rate-limited (429) or unavailable (503)
   */
  makeRoom(client: string, limit: number): void {
    if (this.#draining) throw new Problem('unavailable', 'This node is going down.', { retryAfterSeconds: 1 });
    const own = this.of(client);
    if (own.length >= limit) {
      const detail = `This client has ${own.length} open streams; ${limit} are allowed.`;
      if (this.#limits.overLimit === 'refuse-newest') throw new Problem('rate-limited', detail, { members: { limit } });
      for (const oldest of own.slice(0, own.length - limit + 1)) oldest.end('limit', 0, detail);
    }
    if (this.#open.size >= this.#limits.perNode) {
      throw new Problem('unavailable', 'This node has no room for another stream.', {
        retryAfterSeconds: FULL_RETRY_S,
      });
    }
  }

  add(stream: Stream): void {
    const { client } = stream.plan;
    this.#open.set(stream.id, stream);
    const own = this.#byClient.get(client);
    if (own === undefined) this.#byClient.set(client, new Set([stream]));
    else own.add(stream);
  }

  remove(stream: Stream): void {
    const { client } = stream.plan;
    this.#open.delete(stream.id);
    const own = this.#byClient.get(client);
    if (own?.delete(stream) && own.size === 0) this.#byClient.delete(client);
    if (this.#open.size === 0) for (const resolve of this.#empty.splice(0)) resolve();
  }

  /** The journals have been opened anew: what was appended meanwhile was told to nobody. */
  nudge(): void {
    for (const stream of this.#open.values()) stream.nudge();
  }

  /** Says goodbye to all, each with another moment to come back: a restart is no stampede. */
  async drain(retryAfterMs: () => number): Promise<void> {
    this.#draining = true;
    for (const stream of [...this.#open.values()]) stream.end('draining', Math.round(retryAfterMs()));
    if (this.#open.size > 0) await new Promise<void>((resolve) => this.#empty.push(resolve));
    clearInterval(this.#clock);
  }
}
