/**
 * Writes an HTTP/2 response to its stream; frames and flow control are Node's.
 *
 * Node hands frames to the socket that point into the chunk, and reports a write as over once the socket has taken the last
 * of them; one write of the socket follows the other, so it has the earlier ones too. Only of a stream that was destroyed
 * are writes reported as over while frames of them may still be on their way.
 */
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Chunk } from '../stream/chunk.ts';
import type { Sink, SinkEvents } from '../stream/sink.ts';
import { keepUntilTaken } from './memory-in-flight.ts';

export class Http2Sink implements Sink {
  readonly #stream: ServerHttp2Stream;
  /** That sends from the memory of chunks; a stream that was destroyed does not know it any more. */
  readonly #session: ServerHttp2Session | undefined;
  #written = 0;

  constructor(stream: ServerHttp2Stream, headers: Readonly<Record<string, string>>) {
    this.#stream = stream;
    // Under TLS the socket has what it encrypted, not the chunk's memory.
    this.#session = stream.session?.encrypted ? undefined : (stream.session as ServerHttp2Session | undefined);
    // A peer may have reset it already: that is no fault of the request, and `close` is heard of by those who listen.
    if (!stream.destroyed && !stream.closed) stream.respond({ ':status': 200, ...headers });
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
    // Behind an empty write those that were handed over with it would be reported as over too early.
    if (chunk.data.length === 0) return;
    this.#written += chunk.data.length;
    if (!this.#stream.writable) return;
    this.#stream.write(chunk.data, (error) => {
      if (!error && !this.#stream.destroyed) chunk.release();
      else if (this.#session !== undefined) keepUntilTaken(this.#session, chunk.data);
    });
  }

  flush(): void {}

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  listen(events: SinkEvents): void {
    // A peer that resets its stream is one that has gone.
    this.#stream.on('error', () => {});
    if (this.#stream.destroyed) {
      // It broke while the stream was being opened, and may say so no more.
      setImmediate(() => events.closed());
      return;
    }
    this.#stream.on('drain', () => events.drained());
    this.#stream.once('close', () => events.closed());
  }
}
