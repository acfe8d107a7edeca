/**
 * Gives every pushed message the firehose's `prev`: the offset of the same client's message before it, wherever that one went.
 *
 * The journal of an endpoint knows only what was pushed to that endpoint. What lies between is remembered here: for each
 * client and destination (an endpoint, or nobody) the latest offset. Stored now and then; after a crash the log is read
 * again from there, and the journal drops what it already holds.
 */
import type { NeighbourRow } from '../store/endpoint-book.ts';

/** Destination of what is pushed to nobody. */
export const NOBODY = '';

export class Neighbours {
  readonly #clients = new Map<string, Map<string, number>>();
  #changed = new Map<string, NeighbourRow>();

  constructor(rows: readonly NeighbourRow[]) {
    for (const { client, endpoint, offset } of rows) this.#of(client).set(endpoint, offset);
  }

  /** A message of the client went to `endpoint`. Offsets rise. */
  went(client: string, endpoint: string, offset: number): void {
    this.#of(client).set(endpoint, offset);
    this.#changed.set(`${client} ${endpoint}`, { client, endpoint, offset });
  }

  /** The latest offset of the client's messages that went elsewhere than to `endpoint`; -1 where there is none. */
  elsewhere(client: string, endpoint: string): number {
    let latest = -1;
    for (const [other, offset] of this.#clients.get(client) ?? [])
      if (other !== endpoint && offset > latest) latest = offset;
    return latest;
  }

  /** What there was up to `offset` will never be known: as far as it may have been a client's, it went to nobody. */
  missed(offset: number): void {
    for (const [client, destinations] of this.#clients)
      if (offset > (destinations.get(NOBODY) ?? -1)) this.went(client, NOBODY, offset);
  }

  /** What changed since the last call. */
  takeChanged(): NeighbourRow[] {
    const rows = [...this.#changed.values()];
    this.#changed = new Map();
    return rows;
  }

  #of(client: string): Map<string, number> {
    let destinations = this.#clients.get(client);
    if (destinations === undefined) {
      destinations = new Map();
      this.#clients.set(client, destinations);
    }
    return destinations;
  }
}
