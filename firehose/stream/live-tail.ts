/**
 * Hands what has just been journaled to the streams that have nothing left to read.
 *
 * A stream that has reached the end of its client's journal waits here; the bytes that the journaler committed go to it
 * without being read again, encoded once for all streams of the same format. One that has fallen behind is simply not
 * here: it reads its journal. Nothing is kept for anyone.
 */
import type { AppendedSegment } from '../../journal/appending.ts';
import type { Format } from '../format/format.ts';
import { Chunk } from './chunk.ts';

/** Consecutive entries of one client, just committed. */
export interface FreshEntries {
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** Offset of the client's entry before `first`. */
  readonly prev: number;
  /** Their frames, encoded once per format. */
  chunk(format: Format): Chunk;
}

export interface Waiting {
  /** Something was appended. Must not throw. @returns whether it goes on waiting */
  woken(fresh: FreshEntries): boolean;
}

export class LiveTail {
  readonly #waiting = new Map<string, Set<Waiting>>();
  readonly #fresh = new Map<string, AppendedSegment[]>();
  #scheduled = false;

  wait(client: string, stream: Waiting): void {
    const streams = this.#waiting.get(client);
    if (streams === undefined) this.#waiting.set(client, new Set([stream]));
    else streams.add(stream);
  }

  leave(client: string, stream: Waiting): void {
    const streams = this.#waiting.get(client);
    if (streams?.delete(stream) && streams.size === 0) this.#waiting.delete(client);
  }

  /** Takes what was appended; what comes in one turn of the event loop goes out as one. */
  appended(segment: AppendedSegment): void {
    if (!this.#waiting.has(segment.client)) return;
    const segments = this.#fresh.get(segment.client);
    if (segments === undefined) this.#fresh.set(segment.client, [segment]);
    else segments.push(segment);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    for (const [client, segments] of this.#fresh) {
      this.#fresh.delete(client);
      const streams = this.#waiting.get(client);
      if (streams === undefined) continue;
      const fresh = new JoinedSegments(segments);
      for (const stream of streams) if (!stream.woken(fresh)) streams.delete(stream);
      if (streams.size === 0 && this.#waiting.get(client) === streams) this.#waiting.delete(client);
    }
  }
}

class JoinedSegments implements FreshEntries {
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly prev: number;
  readonly #data: Buffer;
  readonly #chunks = new Map<Format, Chunk>();

  constructor(segments: readonly AppendedSegment[]) {
    this.first = segments[0]!.first;
    this.prev = segments[0]!.prev;
    this.last = segments.at(-1)!.last;
    this.count = segments.reduce((sum, { count }) => sum + count, 0);
    this.#data = segments.length === 1 ? segments[0]!.data : Buffer.concat(segments.map(({ data }) => data));
  }

  chunk(format: Format): Chunk {
    let chunk = this.#chunks.get(format);
    if (chunk === undefined) {
      chunk = Chunk.shared(format.messages(this.#data));
      this.#chunks.set(format, chunk);
    }
    return chunk;
  }
}
