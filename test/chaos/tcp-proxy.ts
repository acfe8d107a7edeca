/** A TCP proxy between the clients and the system: where the network is cut and slowed. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #targetPort = 0;
  #isCut = false;
  #isSilent = false;
  #delayMs = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (client) => this.#accept(client));
  }

  static async listen(): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: false }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Where new connections lead from now on. */
  lead(url: string): void {
    this.#targetPort = Number(new URL(url).port);
  }

  /** Breaks every connection and refuses new ones until mended. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Holds back everything by so long, each way. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Lets nothing through until mended, without anybody being told: a cable that was pulled. */
  silence(): void {
    this.#isSilent = true;
    for (const socket of this.#sockets) socket.pause();
  }

  mend(): void {
    this.#isCut = false;
    this.#isSilent = false;
    this.#delayMs = 0;
    for (const socket of this.#sockets) socket.resume();
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    if (this.#isCut) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.#targetPort, '127.0.0.1');
    this.#pass(client, server);
    this.#pass(server, client);
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    if (this.#isSilent) from.pause();
    // In turn: what comes after the delay is over must not overtake what is still held back.
    let turn = Promise.resolve();
    from.on('data', (chunk) => {
      const due = performance.now() + this.#delayMs;
      turn = turn.then(async () => {
        const wait = due - performance.now();
        if (wait > 0) await sleep(wait);
        write(from, to, chunk);
      });
    });
    from.on('error', () => {});
    from.on('close', () => {
      this.#sockets.delete(from);
      turn.then(() => to.end());
    });
  }
}

/** What the other side does not take is not read either: the proxy adds no memory of its own. */
function write(from: Socket, to: Socket, chunk: Buffer): void {
  if (to.destroyed || to.write(chunk)) return;
  from.pause();
  to.once('drain', () => from.resume());
}
