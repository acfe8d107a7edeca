/** The same stream over TLS, as HTTP/2 and as HTTP/1.1, and its control by an open body over HTTP/2. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestNode } from './testing/node.ts';
import type { AnyFrame } from './testing/raw-stream.ts';

const COUNT = 2_000;

let ca: Buffer;
let plain: TestNode;
let secure: TestNode;
beforeAll(async () => {
  const file = (name: string) => readFile(new URL(`../protocol/http/testing/localhost-${name}.pem`, import.meta.url));
  ca = await file('cert');
  plain = await TestNode.start({ heartbeatMs: 200 });
  secure = await TestNode.start({ heartbeatMs: 200 }, 2, { cert: ca, key: await file('key') });
  await secure.produce(
    'many',
    Array.from({ length: COUNT }, (_, n) => ({ text: `${n}` })),
  );
});
afterAll(() => Promise.all([plain[Symbol.asyncDispose](), secure[Symbol.asyncDispose]()]));

/** Fastify names its own scheme, not the listener's. */
const secureUrl = () => secure.url.replace('http:', 'https:');

/** The frames of a body as they come, and a wait for one that passes. */
class Frames {
  readonly all: AnyFrame[] = [];
  readonly ended: Promise<void>;
  #wake: () => void = () => {};

  constructor(body: Readable) {
    this.ended = this.#read(body);
    this.ended.catch(() => {});
  }

  async until(test: (frame: AnyFrame) => boolean): Promise<AnyFrame> {
    for (let at = 0; ; ) {
      for (; at < this.all.length; at++) if (test(this.all[at])) return this.all[at];
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  get texts(): string[] {
    return this.all.filter(({ kind }) => kind === 'message').map(({ payload }) => payload.text);
  }

  async #read(body: Readable): Promise<void> {
    let rest = '';
    for await (const text of body.setEncoding('utf8')) {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      this.all.push(...lines.map((line) => JSON.parse(line)));
      this.#wake();
    }
  }
}

async function overHttps(client: string, query: string): Promise<Frames> {
  const { hostname, port } = new URL(secure.url);
  const authorization = `Bearer ${await secure.token(client)}`;
  const path = `/v1/firehose?${query}`;
  const request = httpsRequest({ hostname, port, path, ca, headers: { authorization } });
  const [response] = await once(request.end(), 'response');
  expect(response.statusCode).toBe(200);
  return new Frames(response);
}

async function overHttp2(session: ClientHttp2Session, node: TestNode, client: string, query: string): Promise<Frames> {
  const authorization = `Bearer ${await node.token(client)}`;
  return new Frames(session.request({ ':path': `/v1/firehose?${query}`, authorization }));
}

const numbers = Array.from({ length: COUNT }, (_, n) => `${n}`);

describe('over TLS', () => {
  test('HTTP/1.1 gives the whole stream, and live messages', async () => {
    const frames = await overHttps('many', 'from=earliest&follow=false');
    await frames.ended;
    expect(frames.texts).toEqual(numbers);
    expect(frames.all.at(-1)).toMatchObject({ kind: 'goodbye', reason: 'until' });
    const live = await overHttps('lone', 'from=latest');
    await live.until(({ kind }) => kind === 'caught_up');
    await secure.produce('lone', [{ text: 'live' }]);
    await live.until(({ payload }) => payload?.text === 'live');
  });

  test('HTTP/2 is chosen by ALPN and carries several streams on one connection, each whole', async () => {
    const session = connectHttp2(secureUrl(), { ca });
    try {
      const query = 'from=earliest&follow=false';
      const streams = await Promise.all([1, 2, 3].map(() => overHttp2(session, secure, 'many', query)));
      expect(session.alpnProtocol).toBe('h2');
      for (const frames of streams) {
        await frames.ended;
        expect(frames.texts).toEqual(numbers);
      }
    } finally {
      session.destroy();
    }
  });

  test('a client that goes away without a word leaves no stream behind', async () => {
    const authorization = `Bearer ${await secure.token('gone')}`;
    const { hostname, port } = new URL(secure.url);
    const count = async () => (await secure.metrics.getSingleMetric('sluice_firehose_streams')!.get()).values[0]!.value;
    const before = await count();
    const socket = connectTls({ host: hostname, port: Number(port), ca, ALPNProtocols: ['http/1.1'] });
    socket.on('error', () => {});
    socket.write(`GET /v1/firehose HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n\r\n`);
    await once(socket, 'data');
    expect(await count()).toBe(before + 1);
    socket.destroy();
    const session = connectHttp2(secureUrl(), { ca });
    const frames = await overHttp2(session, secure, 'gone', 'from=latest');
    await frames.until(({ kind }) => kind === 'hello');
    session.destroy();
    await expect.poll(count).toBe(before);
  });
});

test('over HTTP/2 an open body carries control while the answer runs: pause, resume, filter, pace, and its end', async () => {
  const client = `talk-${randomUUID()}`;
  await plain.produce(client, [{ text: 'one' }]);
  const session = connectHttp2(plain.url);
  const request = session.request({
    ':method': 'POST',
    ':path': '/v1/firehose',
    authorization: `Bearer ${await plain.token(client)}`,
    'content-type': 'application/x-ndjson',
  });
  const say = (message: object) => request.write(`${JSON.stringify(message)}\n`);
  say({ from: 'earliest' });
  const frames = new Frames(request);
  await frames.until(({ kind }) => kind === 'caught_up');
  say({ kind: 'pause' });
  await frames.until(({ applied }) => applied === 'pause');
  await plain.produce(client, [{ text: 'two' }, { text: 'three' }]);
  await frames.until(({ kind, paused, lag }) => kind === 'bookmark' && paused && lag === 2);
  expect(frames.texts).toEqual(['one']);
  say({ kind: 'filter', expression: 'payload.text == "three"' });
  say({ kind: 'max_rate', messages: 1_000 });
  say({ kind: 'resume' });
  await frames.until(({ payload }) => payload?.text === 'three');
  expect(frames.texts).toEqual(['one', 'three']);
  // A client that has nothing more to say may end its body; the stream goes on.
  request.end();
  await plain.produce(client, [{ text: 'three' }]);
  await frames.until(() => frames.texts.length === 3);
  session.destroy();
});
