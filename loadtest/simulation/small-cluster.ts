/** A real firehose node with real readers, as small as one machine carries: what the model's predictions are held against. */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { openReader, requestHead } from '../firehose/raw-reader.ts';
import { ServerProcess } from '../firehose/server-process.ts';
import { threadSeconds } from '../processor-time.ts';

const MESSAGE = '{"kind":"message"';
/** Connections opened at once where nothing is to be learnt from opening them. */
const AT_ONCE = 64;
const SETTLE_MS = 300;

export interface Spent {
  /** By the clock. */
  readonly seconds: number;
  /** That the reading thread had a core. */
  readonly busySeconds: number;
}

export class SmallCluster {
  readonly #server: ServerProcess;
  readonly #clients: readonly string[];
  readonly #bytes: number;
  #sockets: Socket[] = [];
  #received = 0;
  #appended = 0;

  private constructor(server: ServerProcess, clients: readonly string[], bytes: number) {
    this.#server = server;
    this.#clients = clients;
    this.#bytes = bytes;
  }

  /** @param size clients, each with one connection at most @param bytes of each message */
  static async start(folder: string, size: number, bytes: number): Promise<SmallCluster> {
    const clients = Array.from({ length: size }, (_, index) => `client-${index}`);
    const server = await ServerProcess.start('server.ts', [folder, clients.join()]);
    const cluster = new SmallCluster(server, clients, bytes);
    // Code that never ran is slow.
    await cluster.append();
    await cluster.connect();
    await cluster.live(20, 1);
    return cluster;
  }

  /** Of the thread that reads journals and serves streams, since it began. */
  readingSeconds(): number {
    return threadSeconds(this.#server.pid, this.#server.pid);
  }

  /** Opens a reader at the tail for each client. */
  async connect(): Promise<void> {
    for (let first = 0; first < this.#clients.length; first += AT_ONCE) {
      const batch = this.#clients.slice(first, first + AT_ONCE);
      this.#sockets.push(...(await Promise.all(batch.map((client) => this.#open(client, 'latest')))));
    }
  }

  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets = [];
  }

  /**
   * All readers come back by chance within an interval to what was said while they were away.
   * @param messages of each client
   */
  async comeBack(spreadSeconds: number, messages: number, random: () => number): Promise<Spent> {
    this.disconnect();
    const offsets = this.#appended * this.#clients.length;
    for (let message = 0; message < messages; message++) await this.append();
    const wanted = this.#received + this.#clients.length * messages;
    return this.#spent(wanted, async () => {
      const opening = this.#clients.map(async (client) => {
        await sleep(random() * spreadSeconds * 1000);
        this.#sockets.push(await this.#open(client, { offset: offsets - 1 }));
      });
      await Promise.all(opening);
    });
  }

  /** One message for each client. */
  async append(): Promise<void> {
    await this.#server.ask({ kind: 'round', clients: this.#clients, bytes: this.#bytes });
    this.#appended++;
  }

  /** Says so much to each client. @param perSecond messages of each client */
  async live(perSecond: number, seconds: number): Promise<Spent> {
    const messages = Math.round(perSecond * seconds);
    const wanted = this.#received + messages * this.#sockets.length;
    return this.#spent(wanted, async (began) => {
      for (let sent = 0; sent < messages; sent++) {
        await this.append();
        const ahead = ((sent + 1) / perSecond) * 1000 - (performance.now() - began);
        if (ahead > 0) await sleep(ahead);
      }
    });
  }

  async stop(): Promise<void> {
    this.disconnect();
    await this.#server.stop();
  }

  async #open(client: string, from: unknown): Promise<Socket> {
    const request = requestHead(this.#server.token[client], { from });
    let rest = '';
    return openReader(this.#server.port, request, (data) => {
      const text = rest + data.toString('latin1');
      let end = 0;
      for (let at = text.indexOf(MESSAGE); at !== -1; at = text.indexOf(MESSAGE, end)) {
        this.#received++;
        end = at + MESSAGE.length;
      }
      // A frame's beginning may be cut in two.
      rest = text.slice(Math.max(end, text.length - MESSAGE.length + 1));
    });
  }

  /** Does something, and waits until as many messages came as should: none is missing, and none comes twice. */
  async #spent(wanted: number, what: (began: number) => Promise<void>): Promise<Spent> {
    const [began, busyBefore] = [performance.now(), this.readingSeconds()];
    await what(began);
    while (this.#received < wanted) await sleep(2);
    const seconds = (performance.now() - began) / 1000;
    const busySeconds = this.readingSeconds() - busyBefore;
    await sleep(SETTLE_MS);
    if (this.#received !== wanted) throw new Error(`${this.#received} of ${wanted} deliveries came`);
    return { seconds, busySeconds };
  }
}
