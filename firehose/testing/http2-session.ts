/** A client's HTTP/2 session with a server in the same process, over a wire that can be held up. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import * as http2 from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface Http2SessionOptions {
  readonly secure: boolean;
  /** Bytes that the client allows ahead, of a stream and of the session. */
  readonly window: number;
  readonly serve: (stream: http2.ServerHttp2Stream, path: string) => void;
}

/** Both ends of what lies between the client and the server. */
interface Wire {
  readonly client: Socket;
  readonly server: Socket;
}

export class Http2Session implements Disposable {
  readonly client: http2.ClientHttp2Session;
  readonly #servers: readonly Server[];
  readonly #wire: Wire;

  private constructor(client: http2.ClientHttp2Session, servers: readonly Server[], wire: Wire) {
    this.client = client;
    this.#servers = servers;
    this.#wire = wire;
  }

  static async open({ secure, window, serve }: Http2SessionOptions): Promise<Http2Session> {
    const file = (name: string) =>
      readFile(new URL(`../../protocol/http/testing/localhost-${name}.pem`, import.meta.url));
    const cert = await file('cert');
    const server = secure ? http2.createSecureServer({ cert, key: await file('key') }) : http2.createServer();
    server.on('stream', (stream, headers) => serve(stream, headers[':path']!)).on('sessionError', () => {});
    const port = await listen(server);
    const between = createServer();
    const connected = once(between, 'connection') as Promise<[Socket]>;
    const url = `${secure ? 'https' : 'http'}://localhost:${await listen(between)}`;
    const client = http2.connect(url, { ca: cert, settings: { initialWindowSize: window } }).on('error', () => {});
    const wire = { client: (await connected)[0], server: connect(port, '127.0.0.1') };
    wire.client.pipe(wire.server).pipe(wire.client);
    for (const end of [wire.client, wire.server]) {
      end
        .on('error', () => {})
        .on('close', () => {
          wire.client.destroy();
          wire.server.destroy();
        });
    }
    if (client.connecting) await once(client, 'connect');
    client.setLocalWindowSize(window);
    return new Http2Session(client, [between, server as Server], wire);
  }

  /** From now on nothing that the server sends gets any further than into the kernel's buffers. */
  hold(): void {
    this.#wire.server.unpipe().pause();
  }

  letGo(): void {
    this.#wire.server.pipe(this.#wire.client);
  }

  [Symbol.dispose](): void {
    this.client.destroy();
    for (const server of this.#servers) server.close();
  }
}

async function listen(server: Server | http2.Http2Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

/** All that comes before the stream closes, however it does. */
export async function received(request: http2.ClientHttp2Stream): Promise<Buffer> {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part)).on('error', () => {});
  request.resume();
  await once(request, 'close');
  return Buffer.concat(parts);
}
