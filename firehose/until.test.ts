/** Streams that end at a time to come, over HTTP. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestNode } from './testing/node.ts';
import { RawStream } from './testing/raw-stream.ts';

let node: TestNode;

beforeAll(async () => {
  node = await TestNode.start();
});

afterAll(async () => {
  await node[Symbol.asyncDispose]();
});

function texts({ messages }: RawStream): string[] {
  return messages.map(({ payload }) => payload.text);
}

test('a stream until a time to come ends soon after it by itself, with all that was made before it', async () => {
  const client = `quiet-${Date.now()}`;
  await node.produce(client, [{ text: 'old', eventTime: Date.now() - 60_000 }]);
  const time = Date.now() + 4_000;
  const until = { time: new Date(time).toISOString() };
  await using stream = await RawStream.open(node.url, await node.token(client), { from: 'earliest', until });
  await stream.until(({ kind }) => kind === 'caught_up');
  await node.produce(client, [{ text: 'live' }, { text: 'last', eventTime: time - 1 }]);
  await stream.ended;
  expect(Date.now()).toBeGreaterThanOrEqual(time);
  expect(texts(stream)).toEqual(['old', 'live', 'last']);
  expect(stream.frames.at(-1)).toMatchObject({ kind: 'goodbye', reason: 'until', terminal: true });
});

test('it ends with the first message that is not earlier, and one from there goes on without a seam', async () => {
  const client = `busy-${Date.now()}`;
  const time = Date.now() + 3_600_000;
  const at = { time: new Date(time).toISOString() };
  const token = await node.token(client);
  await using before = await RawStream.open(node.url, token, { from: 'earliest', until: at });
  await before.until(({ kind }) => kind === 'caught_up');
  await node.produce(client, [
    { text: 'a', eventTime: time - 2 },
    { text: 'b', eventTime: time - 1 },
    { text: 'c', eventTime: time },
    { text: 'd', eventTime: time - 1 },
  ]);
  await before.ended;
  expect(texts(before)).toEqual(['a', 'b']);
  expect(before.frames.at(-1)).toMatchObject({ kind: 'goodbye', reason: 'until' });
  for (const after of [
    { from: 'earliest', until: at },
    { from: 'earliest', until: at, follow: false },
  ]) {
    await using again = await RawStream.open(node.url, token, after);
    await again.ended;
    expect(texts(again)).toEqual(['a', 'b']);
  }
  await using rest = await RawStream.open(node.url, token, { from: at, follow: false });
  await rest.ended;
  expect(texts(rest)).toEqual(['c', 'd']);
});

test('an offset to come ends the stream though only other clients have messages up to it', async () => {
  const client = `ahead-${Date.now()}`;
  const [first] = await node.produce(client, [{ text: 'one' }]);
  const until = { offset: first!.offset + 3 };
  await using stream = await RawStream.open(node.url, await node.token(client), { from: 'earliest', until });
  await stream.until(({ kind }) => kind === 'caught_up');
  for (let n = 0, partition = -1, offset = -1; partition !== first!.partition || offset < until.offset; n++) {
    const [other] = await node.produce(`other-${n}`, [{ text: 'theirs' }]);
    ({ partition, offset } = other!);
  }
  await stream.ended;
  expect(texts(stream)).toEqual(['one']);
  expect(stream.frames.at(-1)).toMatchObject({ kind: 'goodbye', reason: 'until' });
});

test('a plan says what there is until a time to come, and until when more may come', async () => {
  const client = `plan-${Date.now()}`;
  const produced = await node.produce(client, [{ text: 'a' }, { text: 'b' }]);
  const token = await node.token(client);
  const plan = async (until: object, more: object = {}) => {
    const response = await fetch(`${node.url}/v1/firehose/plan`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ from: 'earliest', until, ...more }),
    });
    return response.json();
  };
  const time = new Date(Date.now() + 3_600_000).toISOString();
  const all = { messages: 2, exact: true, until: produced[1]!.offset };
  expect(await plan({ time })).toMatchObject({ ...all, until_time: time });
  expect(await plan({ time }, { follow: false })).toMatchObject({ ...all, until_time: null });
  expect(await plan({ time: new Date(0).toISOString() })).toMatchObject({ messages: 0, until_time: null });
  expect(await plan({ offset: produced[1]!.offset + 100 })).toMatchObject({ ...all, until_time: null });
});
