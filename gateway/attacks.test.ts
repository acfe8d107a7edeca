/** What strangers send to the front door, byte by byte over a real socket: damaged images, ambiguous requests, endless headers. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCEPTED_IMAGES } from './images/image-kind.ts';
import { openTestLog, type TestLog } from './testing/embedded-log.ts';
import { type GatewayFixture, openGateway } from './testing/gateway-fixture.ts';
import { sampleImage } from './testing/sample-image.ts';

let log: TestLog;
let gateway: GatewayFixture;
let token: string;
let jpeg: Buffer;

beforeAll(async () => {
  log = await openTestLog();
  gateway = await openGateway(log.log, { maxImageBytes: 1 << 20 }, { listen: true });
  token = await gateway.token('alice');
  jpeg = await sampleImage('image/jpeg');
});
afterAll(async () => {
  await gateway.close();
  await log.remove();
});

const head = (...lines: string[]) =>
  ['POST /v1/transactions/t/images HTTP/1.1', 'Host: x', `Authorization: Bearer ${token}`, ...lines, '', ''].join(
    '\r\n',
  );

/** Sends bytes as they are. @returns everything that came back until the connection was closed, or `until` was seen */
async function raw(parts: readonly (string | Buffer)[], until?: RegExp): Promise<string> {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  await once(socket, 'connect');
  let answer = '';
  const over = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (until?.test(answer)) resolve();
    });
    socket.on('close', () => resolve());
    socket.on('error', () => resolve());
  });
  for (const part of parts) socket.write(part);
  await over;
  socket.destroy();
  return answer;
}

const post = (content: Buffer) =>
  fetch(`${gateway.url}/v1/transactions/t/images`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
    body: new Uint8Array(content),
  });

describe('damaged images of every kind', () => {
  test.each(ACCEPTED_IMAGES)('%s: cut at any place and with any byte turned over, never a 5xx', async (mediaType) => {
    const image = await sampleImage(mediaType, 24, 16);
    const damaged: Buffer[] = [];
    for (let n = 0; n < 24; n++) {
      const at = Math.floor((image.byteLength * n) / 24);
      damaged.push(image.subarray(0, Math.max(1, at)));
      const turned = Buffer.from(image);
      turned[at] = turned[at]! ^ 0xff;
      damaged.push(turned);
      damaged.push(Buffer.concat([image.subarray(0, at), Buffer.alloc(200, n * 11), image.subarray(at)]));
    }
    for (const content of damaged) {
      const response = await post(content);
      await response.arrayBuffer();
      expect([202, 422]).toContain(response.status);
    }
    expect((await post(image)).status).toBe(202);
  });
});

describe('Expect: 100-continue', () => {
  test('the body is asked for once it is wanted', async () => {
    const headers = head('Content-Type: image/jpeg', `Content-Length: ${jpeg.byteLength}`, 'Expect: 100-continue');
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    socket.write(headers);
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.toString()).toMatch(/^HTTP\/1\.1 100 /);
    socket.write(jpeg);
    const [second] = (await once(socket, 'data')) as [Buffer];
    expect(second.toString()).toMatch(/^HTTP\/1\.1 202 /);
    socket.destroy();
  });

  test.each([
    ['too large', () => head('Content-Type: image/jpeg', 'Content-Length: 99999999', 'Expect: 100-continue'), 413],
    ['of another kind', () => head('Content-Type: text/html', 'Content-Length: 100', 'Expect: 100-continue'), 415],
    [
      'without a token',
      () => `POST /v1/transactions/t/images HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n`,
      401,
    ],
  ])('a body that is not wanted, %s, is never asked for, and the connection ends', async (_what, headers, status) => {
    const answer = await raw([headers()]);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer.toLowerCase()).toContain('connection: close');
  });
});

describe('requests that two readers could read in two ways', () => {
  test.each<[string, () => string]>([
    [
      'both Content-Length and Transfer-Encoding',
      () => head('Content-Type: image/jpeg', 'Content-Length: 4', 'Transfer-Encoding: chunked'),
    ],
    ['two lengths', () => head('Content-Type: image/jpeg', 'Content-Length: 4', 'Content-Length: 40')],
    ['a length that is none', () => head('Content-Type: image/jpeg', 'Content-Length: +4')],
    ['a transfer coding hidden by a blank', () => head('Content-Type: image/jpeg', 'Transfer-Encoding : chunked')],
    ['another transfer coding last', () => head('Content-Type: image/jpeg', 'Transfer-Encoding: chunked, identity')],
    ['a header over two lines', () => head('Content-Type: image/jpeg', 'X-A: b\r\n c')],
    ['no host', () => 'GET /livez HTTP/1.1\r\n\r\n'],
    ['a bare line feed before a header', () => 'GET /livez HTTP/1.1\r\nHost: x\nX: y\r\n\r\n'],
  ])('%s: refused, and nothing behind it is read as a request', async (_what, request) => {
    const answer = await raw([request(), 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'], /alive/);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer).not.toContain('alive');
  });

  test('the rest of a refused body is never read as a request', async () => {
    const smuggled = 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n';
    const answer = await raw([
      head('Content-Type: text/html', `Content-Length: ${smuggled.length}`, 'Connection: close'),
      smuggled,
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 415 /);
    expect(answer).not.toContain('alive');
  });
});

test('headers without end are refused with a problem, and the gateway goes on', async () => {
  const answer = await raw([head(`X-Long: ${'a'.repeat(64 << 10)}`)]);
  expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n.*headers-too-large/s);
  expect((await fetch(`${gateway.url}/livez`)).status).toBe(200);
});

test('transactions are opened and closed only as they can be', async () => {
  const send = (method: string, path: string, body: unknown, bearer = token) =>
    fetch(`${gateway.url}/v1/transactions/${path}`, {
      method,
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const deadline = new Date(Date.now() + 60_000).toISOString();
  const opened = await send('PUT', 'order', { expected_images: 3, deadline });
  expect([opened.status, await opened.json()]).toEqual([202, { transaction: 'order', expected_images: 3, deadline }]);
  expect((await send('POST', 'order/close', {})).status).toBe(202);
  for (const [body, status] of [
    [{ expected_images: 0 }, 400],
    [{ expected_images: 1.5 }, 400],
    [{ deadline: '2001-01-01T00:00:00Z' }, 400],
    [{ deadline: 'soon' }, 400],
    [{ other: 1 }, 400],
  ] as const)
    expect((await send('PUT', 'order', body)).status, JSON.stringify(body)).toBe(status);
  const reader = await gateway.token('alice', { 'firehose-1': {} });
  expect((await send('PUT', 'order', {}, reader)).status).toBe(403);
  expect((await send('PUT', 'order', { other: 1 }, 'nonsense')).status).toBe(401);
});
