/** A connection that is taken from the HTTP server leaves nothing of HTTP behind, and behaves as a socket. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { collectGarbage } from '../testing/collect-garbage.ts';
import { readToEnd, takeConnection } from './take-connection.ts';

let server: Server;
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

interface Taken {
  readonly client: Socket;
  readonly socket: Socket;
  readonly request: WeakRef<IncomingMessage>;
  readonly response: WeakRef<ServerResponse>;
}

/** Serves one request, whose handler has read the body where there is one, and takes its connection. */
async function taken(requestText: string): Promise<Taken> {
  const result = Promise.withResolvers<Omit<Taken, 'client'>>();
  server = createServer(async (request, response) => {
    if (request.url === '/unread') return;
    if (request.method === 'POST') for await (const _ of request);
    await readToEnd(request);
    const socket = takeConnection(request, response);
    result.resolve({ socket, request: new WeakRef(request), response: new WeakRef(response) });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(client);
  client.write(requestText);
  return { client, ...(await result.promise) };
}

test.each([
  ['a GET', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'],
  ['a POST with a body', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}'],
])('of %s neither message, parser nor listener is kept', async (_name, text) => {
  const { socket, request, response } = await taken(text);
  expect(socket.eventNames()).toEqual([]);
  expect(socket).toMatchObject({ parser: null, destroyed: false });
  await expect
    .poll(async () => {
      await collectGarbage();
      return [request.deref(), response.deref()];
    })
    .toEqual([undefined, undefined]);
  expect(await new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))).toBe(1);
});

test('what the peer still sends is thrown away; what is written arrives; its end is heard', async () => {
  const { client, socket } = await taken('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  client.write('GET /second HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1_000));
  socket.write('hello');
  expect(String((await once(client, 'data'))[0])).toBe('hello');
  // The server no longer counts it among its own, so that closing what is idle leaves it alone.
  server.closeAllConnections();
  socket.write('again');
  expect(String((await once(client, 'data'))[0])).toBe('again');
  const ended = once(socket, 'end');
  client.end();
  await ended;
  expect(socket.readableLength).toBe(0);
});

test.each(['GET / HTTP/1.1', 'GET /unread HTTP/1.1'])(
  '%s sent behind it at once ends the connection, and nothing else',
  async (line) => {
    const { client, socket } = await taken(`GET / HTTP/1.1\r\nhost: x\r\n\r\n${line}\r\nhost: x\r\n\r\n`);
    client.resume();
    await expect.poll(() => client.destroyed).toBe(true);
    expect(socket.destroyed).toBe(true);
  },
);

test('a body that is still open stays with the server', async () => {
  const result = Promise.withResolvers<[IncomingMessage, Socket]>();
  server = createServer(async (request, response) => {
    if (request.url === '/unread') return;
    await readToEnd(request);
    result.resolve([request, takeConnection(request, response)]);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(client);
  client.write('POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n');
  const [request, socket] = await result.promise;
  expect(socket.listenerCount('close')).toBeGreaterThan(0);
  client.write('3\r\ntwo\r\n0\r\n\r\n');
  let text = '';
  for await (const part of request) text += part;
  expect(text).toBe('onetwo');
});
