/** What docs/firehose.md promises of requests and connections, over real ones. */
import http2 from 'node:http2';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestNode } from './testing/node.ts';
import { RawStream } from './testing/raw-stream.ts';
import { numbered, TestClient } from './testing/test-client.ts';

let node: TestNode;
beforeAll(async () => {
  node = await TestNode.start({ heartbeatMs: 300, maxStreamsPerClient: 6, requestTimeoutMs: 700 });
});
afterAll(() => node[Symbol.asyncDispose]());

test('the hash of a bookmark is what the reader computes over the frames that it kept', async () => {
  const client = new TestClient(node);
  await client.produce(numbered(5));
  const { nextChain, CHAIN_START } = await import('../journal/chain-hash.ts');
  await using stream = await client.open({ from: 'earliest' });
  const bookmark = await stream.until(({ kind, live }) => kind === 'bookmark' && live);
  const frames = stream.messages.map((message) => Buffer.from(`${JSON.stringify(message)}\n`));
  const computed = frames.reduce((chain, frame) => nextChain(chain, frame), CHAIN_START);
  expect(bookmark.hash).toBe(computed.toString('hex'));
  expect(bookmark.retention_expires_in_ms).toBeNull();
});

test('one stream too many is a 429 and leaves the others alone', async () => {
  const client = new TestClient(node);
  const token = await client.token({ max_streams: 2 });
  await using first = await RawStream.open(node.url, token);
  await using _second = await RawStream.open(node.url, token);
  const refusal = await RawStream.open(node.url, token).catch(({ problem }) => problem);
  expect(refusal).toMatchObject({ status: 429, limit: 2 });
  expect(first.frames.some(({ kind }) => kind === 'goodbye')).toBe(false);
});

test('a request that trickles in is cut', async () => {
  const client = new TestClient(node);
  const { port } = new URL(node.url);
  const socket = connect(Number(port), '127.0.0.1');
  const head = `POST /v1/firehose HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${await client.token()}\r\n`;
  socket.write(`${head}content-type: application/json\r\ncontent-length: 1000\r\n\r\n{`);
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('close', resolve));
});

test('HTTP/2 without TLS carries several streams on one connection', async () => {
  const client = new TestClient(node);
  await client.produce(numbered(3_000));
  const authorization = `Bearer ${await client.token()}`;
  const session = http2.connect(node.url);
  const read = () =>
    new Promise<string>((resolve, reject) => {
      const headers = { ':method': 'POST', ':path': '/v1/firehose', authorization, 'content-type': 'application/json' };
      const stream = session.request(headers).setEncoding('utf8');
      let text = '';
      stream.on('data', (part) => {
        text += part;
      });
      stream.on('end', () => resolve(text)).on('error', reject);
      stream.end(JSON.stringify({ from: 'earliest', follow: false }));
    });
  for (const text of await Promise.all([read(), read(), read()])) {
    const frames = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(frames.filter(({ kind }) => kind === 'message')).toHaveLength(3_000);
    expect(frames.at(-1)).toMatchObject({ kind: 'goodbye', reason: 'until' });
  }
  session.close();
});

test('a page of an allowed origin may read, and is told so before it asks', async () => {
  const client = new TestClient(node);
  const origin = 'https://app.example';
  const preflight = await fetch(`${node.url}/v1/firehose`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-headers')).toMatch(/authorization/);
  await using stream = await client.open({}, { headers: { origin } });
  expect(stream.response.headers.get('access-control-allow-origin')).toBe(origin);
  await using other = await RawStream.open(
    node.url,
    await client.token(),
    {},
    { headers: { origin: 'https://x.example' } },
  );
  expect(other.response.headers.get('access-control-allow-origin')).toBeNull();
});
