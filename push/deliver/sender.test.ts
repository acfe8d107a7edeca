import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Answer } from '../machines/answer.ts';
import { openSender, type Sender } from './sender.ts';

const OPTIONS = {
  allowLoopback: true,
  connectTimeoutMs: 60_000,
  requestTimeoutMs: 60_000,
  maxResponseBytes: 1_000,
  maxRetryAfterMs: 1_000,
};
const BODY = Buffer.from('{}');

let connections: Set<Socket>;
let answerWith: (request: IncomingMessage, response: ServerResponse) => void;
let sender: Sender;
let stop: () => void;

beforeEach(async () => {
  connections = new Set();
  answerWith = (_request, response) => response.writeHead(204).end();
  const server = createServer((request, response) => {
    connections.add(request.socket);
    request.resume().on('end', () => answerWith(request, response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  sender = openSender(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, OPTIONS, Date.now);
  stop = () => {
    server.closeAllConnections();
    server.close();
  };
});

afterEach(async () => {
  await sender.close();
  stop();
});

/** Sends the next from within the answer to the one before, as a worker does. */
function oneAfterTheOther(count: number): Promise<Answer[]> {
  return new Promise((resolve) => {
    const answers: Answer[] = [];
    const next = () => sender.post([], BODY, (answer) => (answers.push(answer) < count ? next() : resolve(answers)));
    next();
  });
}

test('what is sent one after the other goes over one connection', async () => {
  expect(await oneAfterTheOther(50)).toEqual(Array(50).fill({ kind: 'delivered' }));
  expect(connections.size).toBe(1);
});

test('what is under way at once has a connection each, and later requests use those', async () => {
  const held: ServerResponse[] = [];
  const all = Promise.withResolvers<void>();
  answerWith = (_request, response) => {
    if (held.push(response) === 3) all.resolve();
  };
  const together = Promise.all([oneAfterTheOther(1), oneAfterTheOther(1), oneAfterTheOther(1)]);
  await all.promise;
  answerWith = (_request, response) => response.writeHead(204).end();
  for (const response of held) response.writeHead(204).end();
  await together;
  await oneAfterTheOther(20);
  expect(connections.size).toBe(3);
});

test('a connection whose answer was cut off is given up, and the next request goes out on another', async () => {
  answerWith = (_request, response) => response.writeHead(500).end(Buffer.alloc(100_000));
  expect(await oneAfterTheOther(2)).toEqual(Array(2).fill({ kind: 'failed', cause: '500' }));
  expect(connections.size).toBe(2);
});

test('a connection that its receiver closed in silence is opened anew', async () => {
  await oneAfterTheOther(1);
  const [first] = connections;
  const closed = once(first!, 'close');
  first!.end();
  await closed;
  expect(await oneAfterTheOther(1)).toEqual([{ kind: 'delivered' }]);
});
