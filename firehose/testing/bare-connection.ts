/** A stream over a bare socket that reads only when it is told to: what a client of the library never is. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { AnyFrame } from './raw-stream.ts';

export class BareConnection implements AsyncDisposable {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  readonly #parts: Buffer[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
  }

  /** Asks for a stream and reads nothing of it. Over HTTP/1.0, so that the answer has no chunks: it ends with the connection. */
  static async open(url: string, token: string, body: object): Promise<BareConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const text = JSON.stringify(body);
    socket.write(
      `POST /v1/firehose HTTP/1.0\r\nhost: x\r\nauthorization: Bearer ${token}\r\n` +
        `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
    return new BareConnection(socket);
  }

  /** Takes at most so many bytes of what has come. @returns how many it took */
  take(bytes: number): number {
    const size = Math.min(bytes, this.socket.readableLength);
    const data: Buffer | null = size === 0 ? this.socket.read() : this.socket.read(size);
    if (data !== null) this.#parts.push(data);
    return data?.length ?? 0;
  }

  /** Reads whatever comes, from now on. */
  readOn(): void {
    this.socket.on('data', (data: Buffer) => this.#parts.push(data));
  }

  /** The whole frames read so far. */
  frames(): AnyFrame[] {
    const text = Buffer.concat(this.#parts).toString();
    const lines = text.slice(text.indexOf('\r\n\r\n') + 4).split('\n');
    lines.pop();
    return lines.map((line) => JSON.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}
