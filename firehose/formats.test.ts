/** The forms that a stream comes in: compressed, as server-sent events, for clients of Durable Streams. */
import { connect } from 'node:net';
import { brotliDecompressSync, constants, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestNode } from './testing/node.ts';
import { numbered, TestClient } from './testing/test-client.ts';

let node: TestNode;
beforeAll(async () => {
  node = await TestNode.start({ heartbeatMs: 300 });
});
afterAll(() => node[Symbol.asyncDispose]());

describe('codings', () => {
  const FLUSHED = { finishFlush: constants.Z_SYNC_FLUSH };
  test.each([
    ['gzip', (data: Buffer) => gunzipSync(data, FLUSHED)],
    ['br', (data: Buffer) => brotliDecompressSync(data, { finishFlush: constants.BROTLI_OPERATION_FLUSH })],
    ['zstd', (data: Buffer) => zstdDecompressSync(data, { finishFlush: constants.ZSTD_e_flush })],
  ] as const)('%s is flushed with every batch', async (coding, decode) => {
    const client = new TestClient(node);
    await client.produce(numbered(50));
    const { head, body, socket } = await rawGet(client, { 'accept-encoding': coding }, 'from=earliest');
    expect(await head).toMatch(new RegExp(`content-encoding: ${coding}`));
    await expect.poll(() => decode(body()).toString()).toMatch(/"kind":"caught_up"/);
    await client.produce([{ text: 'live' }]);
    await expect.poll(() => decode(body()).toString()).toMatch(/"text":"live"/);
    expect(
      decode(body())
        .toString()
        .match(/"kind":"message"/g),
    ).toHaveLength(51);
    socket.destroy();
  });
});

/** A GET over a bare socket, so that nothing decodes or buffers on the way. */
async function rawGet(client: TestClient, headers: Record<string, string>, query: string) {
  const { port } = new URL(node.url);
  const socket = connect(Number(port), '127.0.0.1');
  const lines = Object.entries({ host: 'x', authorization: `Bearer ${await client.token()}`, ...headers });
  socket.write(`GET /v1/firehose?${query} HTTP/1.1\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`);
  let data = Buffer.alloc(0);
  const head = Promise.withResolvers<string>();
  socket.on('data', (part) => {
    data = Buffer.concat([data, part]);
    const end = data.indexOf('\r\n\r\n');
    if (end !== -1) head.resolve(data.subarray(0, end).toString().toLowerCase());
  });
  socket.on('error', () => {});
  return { socket, head: head.promise, body: () => dechunk(data.subarray(data.indexOf('\r\n\r\n') + 4)) };
}

function dechunk(data: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < data.length; ) {
    const end = data.indexOf('\r\n', at);
    if (end === -1) break;
    const size = Number.parseInt(data.subarray(at, end).toString(), 16);
    if (end + 2 + size > data.length) break;
    parts.push(data.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
  return Buffer.concat(parts);
}

test('an EventSource reads and resumes: token in the query, Last-Event-ID', async () => {
  const client = new TestClient(node);
  const produced = await client.produce(numbered(3));
  const token = await client.token();
  const url = `${node.url}/v1/firehose?from=earliest&follow=false&access_token=${token}`;
  const accept = { accept: 'text/event-stream' };
  const first = await fetch(url, { headers: accept });
  expect(first.headers.get('content-type')).toBe('text/event-stream');
  const text = await first.text();
  const id = /id: (\S+:\d+)\ndata: .*"text":"1"/.exec(text)![1]!;
  const second = await fetch(url, { headers: { ...accept, 'last-event-id': id } });
  const resumed = await second.text();
  expect(resumed).not.toMatch(/"text":"1"/);
  expect(resumed).toMatch(new RegExp(`"offset":${produced[2]!.offset},.*"text":"2"`));
});

test('an accept header with nothing that is offered is a 406', async () => {
  const client = new TestClient(node);
  const token = await client.token();
  const response = await fetch(`${node.url}/v1/firehose`, {
    headers: { authorization: `Bearer ${token}`, accept: 'image/png' },
  });
  expect(response.status).toBe(406);
});

test('the Durable Streams facade gives the same messages, and a long-poll the next one', async () => {
  const client = new TestClient(node);
  await client.produce(numbered(4));
  const headers = { authorization: `Bearer ${await client.token()}` };
  const url = `${node.url}/v1/durable/messages`;
  const first = await fetch(`${url}?offset=-1`, { headers });
  const messages = (await first.json()) as { payload: { text: string } }[];
  expect(messages.map(({ payload }) => payload.text)).toEqual(['0', '1', '2', '3']);
  expect(first.headers.get('stream-up-to-date')).toBe('true');
  const next = first.headers.get('stream-next-offset');
  const [polled] = await Promise.all([
    fetch(`${url}?offset=${next}&live=long-poll`, { headers }),
    client.produce([{ text: 'live' }]),
  ]);
  expect(await polled.json()).toMatchObject([{ payload: { text: 'live' } }]);
  expect((await fetch(`${url}?offset=nonsense`, { headers })).status).toBe(400);
});
