import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { allowOpenEndedRequest, answerClientError } from './client-errors.ts';

const silent = pino({ level: 'silent' }) as never;

async function answerTo(openEnded: boolean, half: string): Promise<string> {
  const options = { requestTimeout: 300, headersTimeout: 300, connectionsCheckingInterval: 50 };
  const server = createServer(options, (request) => {
    if (openEnded) allowOpenEndedRequest(request);
    request.on('data', (data) => request.socket.write(`got ${data}`)).on('error', () => {});
  });
  server.on('clientError', (error, socket) => answerClientError(error, socket as Socket, silent));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let received = '';
  socket.on('data', (data) => {
    received += data;
  });
  socket.write(half);
  // Where the connection is left alone, bytes that come long after the limit are still heard.
  const late = setInterval(() => performance.now() > begun + 900 && socket.write('4\r\nlate\r\n'), 100);
  const begun = performance.now();
  await expect.poll(() => received).toMatch(/got late|HTTP\/1\.1 4/);
  clearInterval(late);
  socket.destroy();
  server.closeAllConnections();
  server.close();
  return received;
}

const OPEN_BODY = 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n';

test('a request that does not arrive whole in time is answered with a problem', async () => {
  expect(await answerTo(false, OPEN_BODY)).toMatch(
    /^HTTP\/1\.1 408 Request Timeout\r\n.*"type":"\/problems\/request-timeout"/s,
  );
});

test('one whose body is open on purpose goes on', async () => {
  expect(await answerTo(true, OPEN_BODY)).toBe('got late');
});

test('what is not HTTP is told so', async () => {
  expect(await answerTo(false, 'hello?\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 400 Bad Request\r\n.*"type":"\/problems\/invalid-request"/s,
  );
});
