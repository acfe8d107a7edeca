/** What docs/firehose.md promises beyond the plain stream, over real connections. */
import http2 from 'node:http2';
import { connect } from 'node:net';
import { brotliDecompressSync, constants, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestNode } from './testing/node.ts';
import { RawStream } from './testing/raw-stream.ts';

let node: TestNode;
beforeAll(async () => {
  node = await TestNode.start({
    heartbeatMs: 300,
    maxStreamsPerClient: 6,
    maxConsumersPerClient: 3,
    requestTimeoutMs: 700,
  });
});
afterAll(() => node[Symbol.asyncDispose]());

const texts = (stream: RawStream) => stream.messages.map(({ payload }) => payload.text);
const numbered = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ text: `${n}`, transaction: `t${n % 7}` }));

async function call(client: string, method: string, path: string, body?: object) {
  const response = await fetch(`${node.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${await node.token(client)}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

describe('codings', () => {
  const FLUSHED = { finishFlush: constants.Z_SYNC_FLUSH };
  test.each([
    ['gzip', (data: Buffer) => gunzipSync(data, FLUSHED)],
    ['br', (data: Buffer) => brotliDecompressSync(data, { finishFlush: constants.BROTLI_OPERATION_FLUSH })],
    ['zstd', (data: Buffer) => zstdDecompressSync(data, { finishFlush: constants.ZSTD_e_flush })],
  ] as const)('%s is flushed with every batch', async (coding, decode) => {
    const client = `coded-${coding}`;
    await node.produce(client, numbered(50));
    const { head, body, socket } = await rawGet(client, { 'accept-encoding': coding }, 'from=earliest');
    expect(await head).toMatch(new RegExp(`content-encoding: ${coding}`));
    await expect.poll(() => decode(body()).toString()).toMatch(/"kind":"caught_up"/);
    await node.produce(client, [{ text: 'live' }]);
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
async function rawGet(client: string, headers: Record<string, string>, query: string) {
  const { port } = new URL(node.url);
  const socket = connect(Number(port), '127.0.0.1');
  const lines = Object.entries({ host: 'x', authorization: `Bearer ${await node.token(client)}`, ...headers });
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
  const produced = await node.produce('sse', numbered(3));
  const token = await node.token('sse');
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
  const token = await node.token('sse');
  const response = await fetch(`${node.url}/v1/firehose`, {
    headers: { authorization: `Bearer ${token}`, accept: 'image/png' },
  });
  expect(response.status).toBe(406);
});

test('an expression and a shard split one stream into parts that make up the whole', async () => {
  await node.produce('shards', numbered(40));
  const token = await node.token('shards');
  const parts = await Promise.all(
    [0, 1, 2].map(async (index) => {
      const body = { from: 'earliest', follow: false, shard: { index, count: 3 } };
      await using stream = await RawStream.open(node.url, token, body);
      await stream.ended;
      return stream.messages;
    }),
  );
  expect(
    parts
      .flat()
      .map(({ payload }) => Number(payload.text))
      .sort((a, b) => a - b),
  ).toEqual([...Array(40).keys()]);
  const owners = parts.map((part) => new Set(part.map(({ transaction }) => transaction)));
  expect(owners[0]!.intersection(owners[1]!).size + owners[1]!.intersection(owners[2]!).size).toBe(0);
  const body = { from: 'earliest', follow: false, filter: { expression: 'payload.text.endsWith("7")' } };
  await using stream = await RawStream.open(node.url, token, body);
  await stream.ended;
  expect(texts(stream)).toEqual(['7', '17', '27', '37']);
});

test('until stops at an offset, and at a time', async () => {
  const produced = await node.produce('until', [
    { text: 'a', eventTime: 1_000_000 },
    { text: 'b', eventTime: 2_000_000 },
    { text: 'c', eventTime: 3_000_000 },
  ]);
  const token = await node.token('until');
  for (const until of [{ offset: produced[1]!.offset }, { time: new Date(3_000_000).toISOString() }]) {
    await using stream = await RawStream.open(node.url, token, { from: 'earliest', until });
    await stream.ended;
    expect(texts(stream)).toEqual(['a', 'b']);
    expect(stream.frames.at(-1)).toMatchObject({ kind: 'goodbye', reason: 'until' });
  }
  const from = { time: new Date(2_000_000).toISOString() };
  await using stream = await RawStream.open(node.url, token, { from, follow: false });
  await stream.ended;
  expect(texts(stream)).toEqual(['b', 'c']);
});

test('a pace is granted in hello, kept, and can be lifted while the stream runs', async () => {
  await node.produce('paced', numbered(300));
  const token = await node.token('paced', { grants: { 'firehose-1': { max_rate: { messages: 1_000 } } } });
  const began = performance.now();
  await using stream = await RawStream.open(node.url, token, { from: 'earliest', max_rate: { messages: 50 } });
  const hello = await stream.until(({ kind }) => kind === 'hello');
  expect(hello.rate).toEqual({ messages: 50, bytes: null });
  const bookmark = await stream.until(({ kind }) => kind === 'bookmark');
  expect(bookmark).toMatchObject({ throttled: true, live: false });
  expect(bookmark.catch_up_ms).toBeGreaterThan(1_000);
  const seconds = (performance.now() - began) / 1000;
  expect(stream.messages.length).toBeLessThanOrEqual(seconds * 50 * 1.05 + 4);
  const patch = await call('paced', 'PATCH', `/v1/firehose/${hello.stream}`, { kind: 'max_rate', messages: 100_000 });
  expect(patch).toMatchObject({ status: 200, body: { applied: 'max_rate' } });
  await stream.until(({ payload }) => payload?.text === '299');
  expect(texts(stream)).toEqual(numbered(300).map(({ text }) => text));
  // The grant's 1,000 a second stands, whatever is asked for.
  expect(performance.now() - began).toBeGreaterThan(250);
});

test('the body stays open and carries control: pause, resume, filter', async () => {
  await node.produce('talk', [{ text: 'one' }]);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const say = (message: object) => writer.write(Buffer.from(`${JSON.stringify(message)}\n`));
  const opening = RawStream.open(node.url, await node.token('talk'), {}, {
    body: readable,
    duplex: 'half',
    headers: { 'content-type': 'application/x-ndjson' },
  } as RequestInit);
  await say({ from: 'earliest' });
  await using stream = await opening;
  await stream.until(({ kind }) => kind === 'caught_up');
  await say({ kind: 'pause' });
  await stream.until(({ applied }) => applied === 'pause');
  await node.produce('talk', [{ text: 'two' }, { text: 'three' }]);
  const paused = await stream.until(({ kind, paused }) => kind === 'bookmark' && paused);
  expect(paused).toMatchObject({ live: false });
  expect(texts(stream)).toEqual(['one']);
  await say({ kind: 'filter', expression: 'payload.text == "three"' });
  await say({ kind: 'resume' });
  await stream.until(({ payload }) => payload?.text === 'three');
  expect(texts(stream)).toEqual(['one', 'three']);
  await say({ kind: 'jump' });
  await stream.ended;
  expect(stream.frames.at(-1)).toMatchObject({ kind: 'goodbye', reason: 'bad_control' });
});

describe('named consumers', () => {
  test('resume at their checkpoint, with exact lag', async () => {
    const produced = await node.produce('con', numbered(5));
    const token = await node.token('con');
    const from = { consumer: 'worker' };
    await using first = await RawStream.open(node.url, token, { from });
    const { stream } = await first.until(({ kind }) => kind === 'hello');
    await first.until(({ kind }) => kind === 'caught_up');
    const ack = await call('con', 'PATCH', `/v1/firehose/${stream}`, { kind: 'ack', offset: produced[1]!.offset });
    expect(ack.status).toBe(200);
    expect((await call('con', 'GET', '/v1/consumers/worker')).body).toMatchObject({
      offset: produced[1]!.offset,
      lag: 3,
      stream,
    });
    const ahead = await call('con', 'PATCH', `/v1/firehose/${stream}`, {
      kind: 'ack',
      offset: produced[4]!.offset + 1,
    });
    expect(ahead).toMatchObject({ status: 409, body: { sent: produced[4]!.offset } });
    await using second = await RawStream.open(node.url, token, { from });
    await first.ended;
    expect(first.frames.at(-1)).toMatchObject({ kind: 'goodbye', reason: 'taken_over', terminal: true });
    await second.until(({ kind }) => kind === 'caught_up');
    expect(texts(second)).toEqual(['2', '3', '4']);
    const zombie = await call('con', 'PUT', '/v1/consumers/worker', { offset: produced[0]!.offset, stream });
    expect(zombie.status).toBe(409);
  });

  test('are listed, moved and deleted, and there are not more than allowed', async () => {
    const [produced] = await node.produce('con2', numbered(1));
    for (const name of ['a', 'b', 'c']) {
      expect((await call('con2', 'PUT', `/v1/consumers/${name}`, { offset: produced!.offset })).status).toBe(200);
    }
    expect((await call('con2', 'PUT', '/v1/consumers/d', { offset: 0 })).status).toBe(429);
    expect((await call('con2', 'PUT', '/v1/consumers/a', { offset: 1_000_000 })).status).toBe(416);
    expect((await call('con2', 'PUT', '/v1/consumers/a', { offset: 0, epoch: 'other' })).status).toBe(409);
    expect((await call('con2', 'DELETE', '/v1/consumers/b')).status).toBe(204);
    const list = (await call('con2', 'GET', '/v1/consumers')).body.consumers;
    expect(list.map(({ name }: { name: string }) => name)).toEqual(['a', 'c']);
    expect((await call('con2', 'GET', '/v1/consumers/b')).status).toBe(404);
  });
});

test('connections are listed and closed with a reason, an operator sees all', async () => {
  await node.produce('seen', numbered(2));
  await using stream = await RawStream.open(node.url, await node.token('seen'), { from: 'earliest' });
  await stream.until(({ kind }) => kind === 'caught_up');
  const { stream: id } = stream.frames[0];
  const own = (await call('seen', 'GET', '/v1/connections')).body.connections;
  expect(own).toMatchObject([{ stream: id, client: 'seen', lag: 0, messages: 2 }]);
  expect((await call('other', 'GET', '/v1/connections')).body.connections).toEqual([]);
  expect((await call('other', 'DELETE', `/v1/connections/${id}`)).status).toBe(404);
  const operator = await node.token('ops', { grants: { 'firehose-1': { operator: true } } });
  const headers = { authorization: `Bearer ${operator}` };
  const all = await (await fetch(`${node.url}/v1/connections`, { headers })).json();
  expect((all as { connections: { stream: string }[] }).connections.map((one) => one.stream)).toContain(id);
  await fetch(`${node.url}/v1/connections/${id}?reason=maintenance`, { method: 'DELETE', headers });
  await stream.ended;
  expect(stream.frames.at(-1)).toMatchObject({ reason: 'closed', detail: 'maintenance', terminal: true });
});

test('a plan says what a request would bring', async () => {
  await node.produce('plan', numbered(20));
  const plan = (await call('plan', 'POST', '/v1/firehose/plan', { from: 'earliest', max_rate: { messages: 10 } })).body;
  expect(plan).toMatchObject({ exact: true, messages: 20, seconds_at_granted_rate: 2 });
  const body = { from: 'earliest', follow: false, filter: { transactions: ['t1'] } };
  const filtered = (await call('plan', 'POST', '/v1/firehose/plan', body)).body;
  await using stream = await RawStream.open(node.url, await node.token('plan'), body);
  await stream.ended;
  expect(filtered.messages).toBe(stream.messages.length);
  expect(filtered.bytes).toBe(stream.messages.reduce((sum, frame) => sum + JSON.stringify(frame).length + 1, 0));
});

test('one stream too many is a 429 and leaves the others alone', async () => {
  const token = await node.token('many', { grants: { 'firehose-1': { max_streams: 2 } } });
  await using first = await RawStream.open(node.url, token);
  await using _second = await RawStream.open(node.url, token);
  const refusal = await RawStream.open(node.url, token).catch(({ problem }) => problem);
  expect(refusal).toMatchObject({ status: 429, limit: 2 });
  expect(first.frames.some(({ kind }) => kind === 'goodbye')).toBe(false);
});

test('a request that trickles in is cut', async () => {
  const { port } = new URL(node.url);
  const socket = connect(Number(port), '127.0.0.1');
  const head = `POST /v1/firehose HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${await node.token('slow')}\r\n`;
  socket.write(`${head}content-type: application/json\r\ncontent-length: 1000\r\n\r\n{`);
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('close', resolve));
});

test('HTTP/2 without TLS carries several streams on one connection', async () => {
  await node.produce('h2', numbered(3_000));
  const authorization = `Bearer ${await node.token('h2')}`;
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
  const origin = 'https://app.example';
  const preflight = await fetch(`${node.url}/v1/firehose`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-headers')).toMatch(/authorization/);
  await using stream = await RawStream.open(node.url, await node.token('page'), {}, { headers: { origin } });
  expect(stream.response.headers.get('access-control-allow-origin')).toBe(origin);
  await using other = await RawStream.open(
    node.url,
    await node.token('page'),
    {},
    { headers: { origin: 'https://x.example' } },
  );
  expect(other.response.headers.get('access-control-allow-origin')).toBeNull();
});

test('the Durable Streams facade gives the same messages, and a long-poll the next one', async () => {
  await node.produce('durable', numbered(4));
  const headers = { authorization: `Bearer ${await node.token('durable')}` };
  const url = `${node.url}/v1/durable/messages`;
  const first = await fetch(`${url}?offset=-1`, { headers });
  const messages = (await first.json()) as { payload: { text: string } }[];
  expect(messages.map(({ payload }) => payload.text)).toEqual(['0', '1', '2', '3']);
  expect(first.headers.get('stream-up-to-date')).toBe('true');
  const next = first.headers.get('stream-next-offset');
  const [polled] = await Promise.all([
    fetch(`${url}?offset=${next}&live=long-poll`, { headers }),
    node.produce('durable', [{ text: 'live' }]),
  ]);
  expect(await polled.json()).toMatchObject([{ payload: { text: 'live' } }]);
  expect((await fetch(`${url}?offset=nonsense`, { headers })).status).toBe(400);
});

test('the hash of a bookmark is what the reader computes over the frames that it kept', async () => {
  await node.produce('hashed', numbered(5));
  const { nextChain, CHAIN_START } = await import('../journal/chain-hash.ts');
  await using stream = await RawStream.open(node.url, await node.token('hashed'), { from: 'earliest' });
  const bookmark = await stream.until(({ kind, live }) => kind === 'bookmark' && live);
  const frames = stream.messages.map((message) => Buffer.from(`${JSON.stringify(message)}\n`));
  const computed = frames.reduce((chain, frame) => nextChain(chain, frame), CHAIN_START);
  expect(bookmark.hash).toBe(computed.toString('hex'));
  expect(bookmark.retention_expires_in_ms).toBeNull();
});
