/** Requests whose sender goes before they have arrived whole are no fault of ours: none is logged as one. */

import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import type { Readable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { createHttpServer, type HttpServer } from './server.ts';

let server: HttpServer;
afterEach(() => server.close());

const NDJSON = 'application/x-ndjson';

/** @returns its port, what happens when a body has begun to come, the status of the answer that nobody reads, and the log */
async function open() {
  const lines: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line) => lines.push(line) }) as never;
  server = createHttpServer({ logger, bodyLimit: 1 << 20, drainMs: 100 });
  const begun = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<number>();
  server.addContentTypeParser(NDJSON, (_request, payload, done) => done(null, payload));
  server.addHook('onSend', async (_request, reply) => answered.resolve(reply.statusCode));
  server.post('/', async ({ body }) => {
    for await (const _ of body as Readable) begun.resolve();
    return {};
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  return {
    port: (server.server.address() as AddressInfo).port,
    begun: begun.promise,
    answered: answered.promise,
    lines,
  };
}

test('over HTTP/1.1', async () => {
  const { port, begun, answered, lines } = await open();
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-type: ${NDJSON}\r\ncontent-length: 9\r\n\r\n{}`);
  await begun;
  socket.resetAndDestroy();
  expect(await answered).toBe(408);
  expect(lines).toEqual([]);
});

test('over HTTP/2', async () => {
  const { port, begun, answered, lines } = await open();
  const session = connectHttp2(`http://127.0.0.1:${port}`).on('error', () => {});
  const request = session.request({ ':method': 'POST', ':path': '/', 'content-type': NDJSON }).on('error', () => {});
  request.write('{}');
  await begun;
  session.destroy();
  expect(await answered).toBe(408);
  expect(lines).toEqual([]);
});
