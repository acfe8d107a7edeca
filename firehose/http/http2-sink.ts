/**
 * Writes an HTTP/2 response to its stream; frames and flow control are Node's. Chunks are left to the garbage collector: of
 * a stream that was reset, frames that refer to them may still be on their way when its writes are reported as over.
 */
import type { ServerHttp2Stream } from 'node:http2';
import type { Chunk } from '../stream/chunk.ts';
import type { Sink, SinkEvents } from '../stream/sink.ts';

export class Http2Sink implements Sink {
  readonly #stream: ServerHttp2Stream;
  #written = 0;

  constructor(stream: ServerHttp2Stream, headers: Readonly<Record<string, string>>) {
    this.#stream = stream;
    stream.respond({ ':status': 200, ...headers });
  }

  get full(): boolean {
    return this.#stream.writableNeedDrain;
  }

  get backlog(): number {
    return this.#stream.writableLength;
  }

  get taken(): number {
    return this.#written - this.#stream.writableLength;
  }

  write(chunk: Chunk): void {
    if (this.#stream.writable) this.#stream.write(chunk.data);
    this.#written += chunk.data.length;
  }

  flush(): void {}

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  listen(events: SinkEvents): void {
    this.#stream.on('drain', () => events.drained());
    this.#stream.once('close', () => events.closed());
    // A peer that resets its stream is one that has gone.
    this.#stream.on('error', () => {});
  }
}
