/** What a request selects of a stream: by expression and shard, up to an offset or a time, and what a plan says of it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestNode } from './testing/node.ts';
import { RawStream } from './testing/raw-stream.ts';
import { numbered, TestClient, textsOf } from './testing/test-client.ts';

let node: TestNode;
beforeAll(async () => {
  node = await TestNode.start({ heartbeatMs: 300 });
});
afterAll(() => node[Symbol.asyncDispose]());

test('an expression and a shard split one stream into parts that make up the whole', async () => {
  const client = new TestClient(node);
  await client.produce(numbered(40));
  const token = await client.token();
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
  expect(textsOf(stream)).toEqual(['7', '17', '27', '37']);
});

test('until stops at an offset, and at a time', async () => {
  const client = new TestClient(node);
  const produced = await client.produce([
    { text: 'a', eventTime: 1_000_000 },
    { text: 'b', eventTime: 2_000_000 },
    { text: 'c', eventTime: 3_000_000 },
  ]);
  const token = await client.token();
  for (const until of [{ offset: produced[1]!.offset }, { time: new Date(3_000_000).toISOString() }]) {
    await using stream = await RawStream.open(node.url, token, { from: 'earliest', until });
    await stream.ended;
    expect(textsOf(stream)).toEqual(['a', 'b']);
    expect(stream.frames.at(-1)).toMatchObject({ kind: 'goodbye', reason: 'until' });
  }
  const from = { time: new Date(2_000_000).toISOString() };
  await using stream = await RawStream.open(node.url, token, { from, follow: false });
  await stream.ended;
  expect(textsOf(stream)).toEqual(['b', 'c']);
});

test('a plan says what a request would bring', async () => {
  const client = new TestClient(node);
  await client.produce(numbered(20));
  const plan = (await client.call('POST', '/v1/firehose/plan', { from: 'earliest', max_rate: { messages: 10 } })).body;
  expect(plan).toMatchObject({ exact: true, messages: 20, seconds_at_granted_rate: 2 });
  const body = { from: 'earliest', follow: false, filter: { transactions: ['t1'] } };
  const filtered = (await client.call('POST', '/v1/firehose/plan', body)).body;
  await using stream = await client.open(body);
  await stream.ended;
  expect(filtered.messages).toBe(stream.messages.length);
  expect(filtered.bytes).toBe(stream.messages.reduce((sum, frame) => sum + JSON.stringify(frame).length + 1, 0));
});
