/**
 * Writes an HTTP/1.1 response straight to its socket.
 *
 * Node's ServerResponse copies and frames every write for every connection anew; a shared chunk is framed once and handed
 * to each socket as it is. The connection is not used for a further request.
 */
import type { Socket } from 'node:net';
import type { Chunk } from '../stream/chunk.ts';
import type { Sink, SinkEvents } from '../stream/sink.ts';

const LAST_CHUNK = '0\r\n\r\n';

export class SocketSink implements Sink {
  readonly #socket: Socket;
  readonly #chunked: boolean;
  readonly #before: number;

  /** @param httpVersion of the request: one of 1.0 knows no chunks, its response ends with the connection */
  constructor(socket: Socket, httpVersion: string, headers: Readonly<Record<string, string>>) {
    this.#socket = socket;
    this.#chunked = httpVersion !== '1.0';
    this.#before = socket.bytesWritten;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    if (this.#chunked) lines.push('transfer-encoding: chunked\r\n');
    socket.write(`HTTP/1.1 200 OK\r\n${lines.join('')}connection: close\r\ndate: ${new Date().toUTCString()}\r\n\r\n`);
  }

  get full(): boolean {
    return this.#socket.writableNeedDrain;
  }

  get backlog(): number {
    return this.#socket.writableLength;
  }

  get taken(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength - this.#before;
  }

  write(chunk: Chunk): void {
    // Called once the kernel (or, under TLS, the cipher) has the bytes, or never will.
    const release = chunk.own ? () => chunk.release() : undefined;
    if (!this.#chunked) {
      this.#socket.write(chunk.data, release);
      return;
    }
    const pieces = chunk.framed;
    if (pieces.length === 1) {
      this.#socket.write(pieces[0]!);
      return;
    }
    this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece, piece === chunk.data ? release : undefined);
    this.#socket.uncork();
  }

  flush(): void {}

  end(): void {
    if (this.#socket.destroyed) return;
    if (this.#chunked) this.#socket.end(LAST_CHUNK);
    else this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  listen(events: SinkEvents): void {
    const socket: Listened = this.#socket;
    if (socket.destroyed) {
      // It broke while the stream was being opened, and says so no more.
      setImmediate(() => events.closed());
      return;
    }
    socket[EVENTS] = events;
    socket.on('drain', onDrain).once('close', onClose).once('end', onEnd).on('error', onError);
  }
}

// Functions of no connection in particular: four closures for each of ten thousand would be most of what a sink costs.

const EVENTS = Symbol('sink events');
type Listened = Socket & { [EVENTS]?: SinkEvents };

function onDrain(this: Listened): void {
  this[EVENTS]!.drained();
}

function onClose(this: Listened): void {
  this[EVENTS]!.closed();
}

/** The peer will send nothing more, and will hardly read either: HTTP clients do not close halves. */
function onEnd(this: Listened): void {
  this.destroy();
}

/** A peer that resets its connection is one that has gone: `close` follows. */
function onError(): void {}
