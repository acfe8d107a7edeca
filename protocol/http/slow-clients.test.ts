/** Clients that say little, slowly or nothing at all keep no connection for longer than they are waited for. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpServer, type HttpServer } from './server.ts';

const WAITS = { headersTimeoutMs: 1_000, requestTimeoutMs: 2_000, idleTimeoutMs: 2_500 };
const DRIBBLE_MS = 50;

let plain: HttpServer;
let secure: HttpServer;
const portOf = (server: HttpServer) => (server.server.address() as AddressInfo).port;

async function open(tls?: { cert: Buffer; key: Buffer }): Promise<HttpServer> {
  const logger = pino({ level: 'silent' }) as never;
  const server = createHttpServer({ logger, bodyLimit: 1 << 20, waits: WAITS, drainMs: 100, ...(tls && { tls }) });
  server.post('/', async ({ body }) => ({ got: body }));
  server.get('/slow', async () => {
    await new Promise((resolve) => setTimeout(resolve, 2 * WAITS.idleTimeoutMs));
    return 'late';
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  return server;
}

beforeAll(async () => {
  const read = (name: string) => readFile(new URL(`./testing/localhost-${name}.pem`, import.meta.url));
  plain = await open();
  secure = await open({ cert: await read('cert'), key: await read('key') });
});
afterAll(() => Promise.all([plain.close(), secure.close()]));

/** Sends `text` byte by byte, for ever. @returns what came back until the connection ended */
async function dribble(socket: Socket, first: string, text: string): Promise<string> {
  let received = '';
  socket.on('data', (data) => {
    received += data;
  });
  socket.on('error', () => {});
  if (first !== '') socket.write(first);
  let at = 0;
  // After what has come in was read: on a machine that stalls the answer may be there already, and a write to a connection that the
  // other side has closed would throw it away.
  const write = () => received === '' && socket.writable && socket.write(text[at++ % text.length]!);
  const timer = setInterval(() => text !== '' && setImmediate(write), DRIBBLE_MS);
  // Not `once`: that would fail where a byte of ours crosses the end of the connection, which is then reset.
  await new Promise((resolve) => socket.on('close', resolve));
  clearInterval(timer);
  return received;
}

const HEADERS_WITHOUT_END = 'GET / HTTP/1.1\r\nhost: x\r\n';
const BODY_WITHOUT_END = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n';
const LATE =
  /^HTTP\/1\.1 408 Request Timeout\r\ncontent-type: application\/problem\+json\r\n.*"\/problems\/request-timeout"/s;
const plainSocket = () => connect(portOf(plain), '127.0.0.1');
const secureSocket = async (protocol: string) => {
  const socket = connectTls({
    port: portOf(secure),
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: [protocol],
  });
  await once(socket, 'secureConnect');
  return socket;
};

test.concurrent('headers that come byte by byte: 408, while others are served', async () => {
  const slow = Array.from({ length: 20 }, () => dribble(plainSocket(), HEADERS_WITHOUT_END, 'x-a: b\r\n'));
  const other = await fetch(`http://127.0.0.1:${portOf(plain)}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '1',
  });
  expect(await other.json()).toEqual({ got: 1 });
  for (const answer of await Promise.all(slow)) expect(answer).toMatch(LATE);
});

test.concurrent('a body that comes byte by byte: 408', async () => {
  expect(await dribble(plainSocket(), BODY_WITHOUT_END, '1')).toMatch(LATE);
});

test.concurrent('over TLS the same holds, and for a handshake that is never made', async () => {
  expect(await dribble(await secureSocket('http/1.1'), HEADERS_WITHOUT_END, 'x-a: b\r\n')).toMatch(LATE);
  expect(await dribble(await secureSocket('http/1.1'), BODY_WITHOUT_END, '1')).toMatch(LATE);
  expect(await dribble(connect(portOf(secure), '127.0.0.1'), '', '')).toBe('');
});

test.concurrent('connections on which nothing is asked are closed: new ones, and those that asked once', async () => {
  expect(await dribble(plainSocket(), '', '')).toBe('');
  const kept = await dribble(plainSocket(), 'GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n', '');
  expect(kept).toMatch(/^HTTP\/1\.1 404 /);
  expect(kept.match(/HTTP\/1\.1/g)).toHaveLength(1);
});

test.concurrent.each(['plain', 'secure'] as const)(
  'HTTP/2 (%s): a slow body is reset, an idle session closed, a slow answer is not',
  async (kind) => {
    const server = kind === 'plain' ? plain : secure;
    const scheme = kind === 'plain' ? 'http' : 'https';
    const session = connectHttp2(`${scheme}://127.0.0.1:${portOf(server)}`, { rejectUnauthorized: false });
    session.on('error', () => {});
    expect(await slowBody(session)).toBe(constants.NGHTTP2_CANCEL);
    expect(session.closed).toBe(false);
    const answer = session.request({ ':path': '/slow' });
    const [headers] = (await once(answer, 'response')) as [Record<string, unknown>];
    expect(headers[':status']).toBe(200);
    answer.resume();
    await once(session, 'close');
  },
);

async function slowBody(session: ClientHttp2Session): Promise<number> {
  const stream = session.request({ ':method': 'POST', ':path': '/', 'content-type': 'application/json' });
  stream.on('error', () => {});
  const timer = setInterval(() => stream.writable && stream.write('1'), DRIBBLE_MS);
  await once(stream, 'close');
  clearInterval(timer);
  return stream.rstCode;
}

test('a connection over TLS whose session is over does not keep the server from closing', async () => {
  const read = (name: string) => readFile(new URL(`./testing/localhost-${name}.pem`, import.meta.url));
  const server = await open({ cert: await read('cert'), key: await read('key') });
  // Nobody serves what connects from now on, as after the end of a session that leaves its connection behind.
  const [serve] = server.server.listeners('secureConnection') as [() => void];
  server.server.removeListener('secureConnection', serve);
  const connected = once(server.server, 'secureConnection');
  const options = { port: portOf(server), host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] };
  const socket = connectTls(options).on('error', () => {});
  await connected;
  await server.close();
  socket.destroy();
});
