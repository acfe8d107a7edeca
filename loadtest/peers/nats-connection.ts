/** As much of the NATS client protocol as a benchmark needs (https://docs.nats.io/reference/reference-protocols/nats-protocol). */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const CRLF = Buffer.from('\r\n');
const CONNECT =
  'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":false,"protocol":1}\r\nPING\r\n';
const REQUEST_TIMEOUT_MS = 20_000;

export interface NatsMessage {
  readonly payload: Buffer;
  readonly reply: string | undefined;
  /** The first line of the headers, such as `NATS/1.0 100 FlowControl Request`; '' where there are none. */
  readonly status: string;
}

export class NatsConnection {
  readonly #socket: Socket;
  readonly #handlers = new Map<string, (message: NatsMessage) => void>();
  #rest: Buffer = Buffer.alloc(0);
  #subscriptions = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** @param onFault the connection broke, or a handler threw */
  static async open(port: number, onFault: (error: Error) => void): Promise<NatsConnection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const connection = new NatsConnection(socket);
    socket.on('data', (data) => {
      try {
        connection.#take(data);
      } catch (error) {
        socket.destroy();
        onFault(error as Error);
      }
    });
    socket.on('error', onFault);
    socket.write(CONNECT);
    return connection;
  }

  publish(subject: string, payload: string, reply?: string): void {
    const head = reply === undefined ? subject : `${subject} ${reply}`;
    this.#socket.write(`PUB ${head} ${Buffer.byteLength(payload)}\r\n${payload}\r\n`);
  }

  subscribe(subject: string, onMessage: (message: NatsMessage) => void): void {
    const id = String(++this.#subscriptions);
    this.#handlers.set(id, onMessage);
    this.#socket.write(`SUB ${subject} ${id}\r\n`);
  }

  /** @throws the answer is an error */
  async request(subject: string, body: object): Promise<void> {
    const inbox = newInbox();
    const answer = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`NATS does not answer ${subject}`)), REQUEST_TIMEOUT_MS);
      this.subscribe(inbox, ({ payload }) => {
        clearTimeout(timer);
        resolve(payload.toString());
      });
      this.publish(subject, JSON.stringify(body), inbox);
    });
    const { error } = JSON.parse(answer) as { error?: { description: string } };
    if (error !== undefined) throw new Error(`NATS refuses ${subject}: ${error.description}`);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const end = data.indexOf(CRLF, at);
      if (end === -1) break;
      const line = data.toString('latin1', at, end);
      const next = end + CRLF.length;
      if (line.startsWith('MSG ') || line.startsWith('HMSG ')) {
        const fields = line.split(' ');
        const total = Number(fields.at(-1));
        if (data.length < next + total + CRLF.length) break;
        const headerBytes = line.startsWith('H') ? Number(fields.at(-2)) : 0;
        const head = data.toString('latin1', next, next + headerBytes);
        this.#handlers.get(fields[2]!)?.({
          payload: data.subarray(next + headerBytes, next + total),
          reply: fields.length === (headerBytes > 0 ? 6 : 5) ? fields[3] : undefined,
          status: head.slice(0, Math.max(0, head.indexOf('\r\n'))),
        });
        at = next + total + CRLF.length;
        continue;
      }
      if (line === 'PING') this.#socket.write('PONG\r\n');
      else if (line.startsWith('-ERR')) throw new Error(`NATS says ${line}`);
      at = next;
    }
    this.#rest = Buffer.from(data.subarray(at));
  }
}

let inboxes = 0;
export function newInbox(): string {
  return `_INBOX.${process.pid}.${++inboxes}`;
}
