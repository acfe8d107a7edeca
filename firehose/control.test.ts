/** A stream that is told otherwise while it runs: its pace, its filter, to pause. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestNode } from './testing/node.ts';
import { RawStream } from './testing/raw-stream.ts';
import { numbered, TestClient, textsOf } from './testing/test-client.ts';

let node: TestNode;
beforeAll(async () => {
  node = await TestNode.start({ heartbeatMs: 300 });
});
afterAll(() => node[Symbol.asyncDispose]());

test('a pace is granted in hello, kept, and can be lifted while the stream runs', async () => {
  const client = new TestClient(node);
  await client.produce(numbered(300));
  const token = await client.token({ max_rate: { messages: 1_000 } });
  const began = performance.now();
  await using stream = await RawStream.open(node.url, token, { from: 'earliest', max_rate: { messages: 50 } });
  const hello = await stream.until(({ kind }) => kind === 'hello');
  expect(hello.rate).toEqual({ messages: 50, bytes: null });
  const bookmark = await stream.until(({ kind }) => kind === 'bookmark');
  expect(bookmark).toMatchObject({ throttled: true, live: false });
  expect(bookmark.catch_up_ms).toBeGreaterThan(1_000);
  const seconds = (performance.now() - began) / 1000;
  expect(stream.messages.length).toBeLessThanOrEqual(seconds * 50 * 1.05 + 4);
  const patch = await client.call('PATCH', `/v1/firehose/${hello.stream}`, { kind: 'max_rate', messages: 100_000 });
  expect(patch).toMatchObject({ status: 200, body: { applied: 'max_rate' } });
  await stream.until(({ payload }) => payload?.text === '299');
  expect(textsOf(stream)).toEqual(numbered(300).map(({ text }) => text));
  // The grant's 1,000 a second stands, whatever is asked for.
  expect(performance.now() - began).toBeGreaterThan(250);
});

test('the body stays open and carries control: pause, resume, filter', async () => {
  const client = new TestClient(node);
  await client.produce([{ text: 'one' }]);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const say = (message: object) => writer.write(Buffer.from(`${JSON.stringify(message)}\n`));
  const opening = client.open({}, {
    body: readable,
    duplex: 'half',
    headers: { 'content-type': 'application/x-ndjson' },
  } as RequestInit);
  await say({ from: 'earliest' });
  await using stream = await opening;
  await stream.until(({ kind }) => kind === 'caught_up');
  await say({ kind: 'pause' });
  await stream.until(({ applied }) => applied === 'pause');
  await client.produce([{ text: 'two' }, { text: 'three' }]);
  const paused = await stream.until(({ kind, paused }) => kind === 'bookmark' && paused);
  expect(paused).toMatchObject({ live: false });
  expect(textsOf(stream)).toEqual(['one']);
  await say({ kind: 'filter', expression: 'payload.text == "three"' });
  await say({ kind: 'resume' });
  await stream.until(({ payload }) => payload?.text === 'three');
  expect(textsOf(stream)).toEqual(['one', 'three']);
  await say({ kind: 'jump' });
  await stream.ended;
  expect(stream.frames.at(-1)).toMatchObject({ kind: 'goodbye', reason: 'bad_control' });
});

test.each([
  ['POST', '/v1/firehose/plan'],
  ['PATCH', '/v1/firehose/some'],
  ['PUT', '/v1/consumers/some'],
])('%s %s takes no body that goes on: only a stream does', async (method, path) => {
  const token = await new TestClient(node).token();
  const response = await fetch(`${node.url}${path}`, {
    method,
    body: '{"kind":"pause"}\n',
    headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${token}` },
  });
  expect({ status: response.status, ...((await response.json()) as object) }).toMatchObject({
    status: 415,
    accepted: ['application/json'],
  });
});

test('what is asked for in the query of a POST is refused, not left unread', async () => {
  const token = await new TestClient(node).token();
  for (const path of ['/v1/firehose?follow=false', '/v1/firehose/plan?follow=false']) {
    const response = await fetch(`${node.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await response.json()).toMatchObject({ status: 400, errors: [{ field: 'query/follow' }] });
  }
});
