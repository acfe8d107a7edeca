/** `@durable-streams/server` as a peer: the nearest in language and protocol, with its streams on files. */
import { existsSync } from 'node:fs';
import { Agent, get, request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuSeconds } from '../processor-time.ts';
import { VariantUnavailable } from '../suite.ts';
import { followHttp } from './follow-http.ts';
import { type Peer, peerMessage, type RunningPeer } from './peer.ts';
import { PLACES, Sequence } from './sequence.ts';
import { freePort, startServerChild } from './server-child.ts';

const PROGRAM = fileURLToPath(new URL('durable-streams-program.ts', import.meta.url));
const INSTALLED = fileURLToPath(new URL('../../.cache/peers', import.meta.url));
const VERSION = '0.3.7';
/** Messages in one append while a stream is filled. */
const BATCH = 500;
/** With a thousand it loses sight of some while others are appended to, and one after the other takes 14 ms each. */
const MOST_LIVE_STREAMS = 100;

export const durableStreams: Peer = {
  name: '@durable-streams/server',
  kind: 'peer',
  durability: 'files, fdatasync before an append is acknowledged',
  async start({ folder, streams, apart }) {
    if (!existsSync(join(INSTALLED, 'node_modules/@durable-streams/server')))
      throw new VariantUnavailable(`npm install --prefix .cache/peers @durable-streams/server@${VERSION}`);
    if (!apart && streams.length > MOST_LIVE_STREAMS)
      throw new VariantUnavailable(`with ${streams.length} streams it answers some of 32 appends at a time with 404`);
    const port = await freePort();
    const server = await startServerChild(
      process.execPath,
      [PROGRAM, INSTALLED, String(port), join(folder, 'streams')],
      port,
    );
    const agent = new Agent({ keepAlive: true });
    const send = (method: string, stream: string, body: string) => exchange(port, agent, method, stream, body);
    for (const stream of streams) await send('PUT', stream, '');
    const open = new Map(
      streams.map((stream) => [stream, { places: 0, batches: new Batches((body) => send('POST', stream, body)) }]),
    );
    const peer: RunningPeer = {
      cpuSeconds: async () => cpuSeconds(server.pid),
      async fill(messages, bytes) {
        for (const stream of streams)
          for (let place = 1; place <= messages; place += BATCH) {
            const count = Math.min(BATCH, messages - place + 1);
            const batch = Array.from({ length: count }, (_, n) => peerMessage(place + n, bytes));
            // An array's items are appended one by one: that is how this protocol takes several messages.
            await send('POST', stream, `[${batch.join(',')}]`);
          }
        for (const one of open.values()) one.places = messages;
      },
      publish(stream, bytes, at) {
        const one = open.get(stream)!;
        return one.batches.append(peerMessage(++one.places, bytes, at));
      },
      async readAll(stream, messages) {
        const sequence = new Sequence(PLACES, 1);
        for (let offset: string | undefined = '-1'; offset !== undefined && sequence.count < messages; ) {
          offset = await readFrom(port, agent, stream, offset, sequence);
        }
        if (sequence.count !== messages) throw new Error(`${sequence.count} of ${messages} messages came`);
      },
      follow(stream, follower) {
        const head = `GET /${stream}?offset=now&live=sse HTTP/1.1\r\nhost: bench\r\naccept: text/event-stream\r\n\r\n`;
        return followHttp(port, head, PLACES, follower);
      },
      stop: async () => {
        agent.destroy();
        await server.stop();
      },
    };
    return peer;
  },
};

/** One append at a time; what is to be appended meanwhile goes with the next one, as this protocol's own client does it. */
class Batches {
  readonly #send: (body: string) => Promise<void>;
  #waiting: string[] = [];
  #next: Promise<void> | undefined;
  #current: Promise<void> = Promise.resolve();

  constructor(send: (body: string) => Promise<void>) {
    this.#send = send;
  }

  append(item: string): Promise<void> {
    this.#waiting.push(item);
    this.#next ??= this.#current.then(() => {
      const items = this.#waiting;
      this.#waiting = [];
      this.#current = this.#next!;
      this.#next = undefined;
      return this.#send(`[${items.join(',')}]`);
    });
    return this.#next;
  }
}

function exchange(port: number, agent: Agent, method: string, stream: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request({ port, agent, method, path: `/${stream}`, headers, host: '127.0.0.1' }, (response) => {
      response.resume().on('error', reject);
      response.on('end', () => {
        if (response.statusCode! < 300) resolve();
        else reject(new Error(`${method} of ${stream} is answered ${response.statusCode}`));
      });
    });
    sent.on('error', reject).end(body);
  });
}

/** One page. @returns where the next one begins, undefined at the end */
function readFrom(
  port: number,
  agent: Agent,
  stream: string,
  offset: string,
  sequence: Sequence,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const path = `/${stream}?offset=${encodeURIComponent(offset)}`;
    const asked = get(
      { port, agent, path, host: '127.0.0.1', headers: { 'accept-encoding': 'identity' } },
      (response) => {
        if (response.statusCode !== 200) reject(new Error(`a read is answered ${response.statusCode}`));
        response.on('data', (data: Buffer) => {
          try {
            sequence.take(data);
          } catch (error) {
            response.destroy();
            reject(error);
          }
        });
        const next = response.headers['stream-next-offset'];
        const last = response.headers['stream-up-to-date'] === 'true';
        response.on('error', reject).on('end', () => resolve(last ? undefined : String(next)));
      },
    );
    asked.on('error', (error: NodeJS.ErrnoException) => {
      // The server may close a connection that has been idle just when it is used again: nothing was read then.
      if (asked.reusedSocket && error.code === 'ECONNRESET') resolve(readFrom(port, agent, stream, offset, sequence));
      else reject(error);
    });
  });
}
