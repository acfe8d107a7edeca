/** The firehose on a real journal and a real log, as a client sees it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TextLine } from '../protocol/generated/ocr/v1m0/ocr_pb.js';
import { readToEnd } from '../protocol/log/read-to-end.ts';
import { DEAD_LETTER_TOPIC } from '../protocol/log/topics.ts';
import { newMessageId } from '../protocol/message-id.ts';
import { TestNode } from './testing/node.ts';
import { RawStream } from './testing/raw-stream.ts';
import { TestClient, textsOf } from './testing/test-client.ts';

let node: TestNode;

beforeAll(async () => {
  node = await TestNode.start({ heartbeatMs: 200 });
});
afterAll(() => node[Symbol.asyncDispose]());

test('what was produced before and after is sent in order, chained by prev, with one caught_up between', async () => {
  const client = new TestClient(node);
  await client.produce([{ text: 'one' }, { text: 'two' }]);
  await using stream = await client.open({ from: 'earliest' });
  await stream.until(({ payload }) => payload?.text === 'two');
  await stream.until(({ kind }) => kind === 'caught_up');
  await client.produce([{ text: 'three' }]);
  await stream.until(({ payload }) => payload?.text === 'three');
  expect(textsOf(stream)).toEqual(['one', 'two', 'three']);
  expect(stream.frames.map(({ kind }) => kind).filter((kind) => kind !== 'bookmark')).toEqual([
    'hello',
    'message',
    'message',
    'caught_up',
    'message',
  ]);
  const [one, two, three] = stream.messages;
  expect([one.prev, two.prev, three.prev]).toEqual([-1, one.offset, two.offset]);
  expect(one).toMatchObject({ type: 'ocr.v1m0.TextLine', transaction: 't', payload: { label: 'text' } });
});

test('a stream resumes after the offset that it names, and only the own messages are there', async () => {
  const client = new TestClient(node);
  const produced = await client.produce([{ text: 'a' }, { text: 'b' }, { text: 'c' }]);
  await new TestClient(node).produce([{ text: 'not theirs' }]);
  const from = { offset: produced[1]!.offset };
  await using stream = await client.open({ from, follow: false });
  await stream.ended;
  expect(textsOf(stream)).toEqual(['c']);
  expect(stream.frames.at(-1)).toMatchObject({ kind: 'goodbye', reason: 'until', offset: produced[2]!.offset });
});

test('latest sends only what comes after', async () => {
  const client = new TestClient(node);
  await client.produce([{ text: 'old' }]);
  await using stream = await client.open();
  await stream.until(({ kind }) => kind === 'caught_up');
  await client.produce([{ text: 'new' }]);
  await stream.until(({ kind }) => kind === 'message');
  expect(textsOf(stream)).toEqual(['new']);
});

test('a repeat of a message id is journaled once', async () => {
  const client = new TestClient(node);
  const messageId = newMessageId(Date.now());
  await client.produce([{ text: 'once', messageId }]);
  await client.produce([{ text: 'once', messageId }, { text: 'end' }]);
  await using stream = await client.open({ from: 'earliest' });
  await stream.until(({ payload }) => payload?.text === 'end');
  expect(textsOf(stream)).toEqual(['once', 'end']);
});

test('heartbeats say where the stream stands', async () => {
  const client = new TestClient(node);
  const [produced] = await client.produce([{ text: 'x' }]);
  await using stream = await client.open({ from: 'earliest' });
  const { offset } = produced!;
  expect(await stream.until(({ kind, live }) => kind === 'bookmark' && live)).toMatchObject({
    offset,
    latest: offset,
    lag: 0,
    skipped: 0,
  });
});

test('a structured filter drops the rest and still moves the position by bookmarks', async () => {
  const client = new TestClient(node);
  const produced = await client.produce([
    { text: 'a', transaction: 'x' },
    { text: 'b', transaction: 'y' },
    { text: 'c', transaction: 'x' },
    { text: 'd', transaction: 'z' },
  ]);
  const filter = { transactions: ['x'] };
  await using stream = await client.open({ from: 'earliest', filter });
  const bookmark = await stream.until(({ kind, offset }) => kind === 'bookmark' && offset === produced[3]!.offset);
  expect(textsOf(stream)).toEqual(['a', 'c']);
  expect(bookmark.skipped).toBe(2);
});

test('what is no envelope, or carries the token of another client, is set aside and the rest goes on', async () => {
  const client = new TestClient(node);
  const token = await node.token('mallory');
  const forged = node.event(client.id, token, TextLine, TextLine.create({ text: 'forged' }));
  await node.produceRaw(client.id, [Buffer.from('not an envelope'), forged]);
  await client.produce([{ text: 'sound' }]);
  await using stream = await client.open({ from: 'earliest' });
  await stream.until(({ kind }) => kind === 'message');
  expect(textsOf(stream)).toEqual(['sound']);
  const values: Buffer[] = [];
  await readToEnd(node.log, DEAD_LETTER_TOPIC, ({ key, value }) => void (key === client.id && values.push(value!)));
  expect(values.length).toBe(2);
  expect(values[0]!.includes('not an envelope')).toBe(true);
});

test.each([
  [{ from: { offset: 1_000_000 } }, 416, '/problems/offset-ahead'],
  [{ from: { epoch: 'other', offset: 0 } }, 409, '/problems/wrong-epoch'],
  [{ from: 'middle' }, 400, '/problems/invalid-request'],
])('%j is refused with %i', async (body, status, type) => {
  const refusal = await RawStream.open(node.url, await node.token('ida'), body).catch((error) => error.problem);
  expect(refusal).toMatchObject({ status, type });
});

test('without the grant there is no stream', async () => {
  const token = await node.token('jo', { grants: { 'ocr-1': {} } });
  const refusal = await RawStream.open(node.url, token).catch((error) => error.problem);
  expect(refusal).toMatchObject({ status: 403, required: 'firehose-1.0' });
});

test('a stream ends when its token does', async () => {
  const token = await node.token('kim', { ttlMs: 1_500 });
  await using stream = await RawStream.open(node.url, token);
  await stream.ended;
  expect(stream.frames.at(-1)).toMatchObject({ kind: 'goodbye', reason: 'token_expired', terminal: false });
});

test('on shutdown every stream is told when to come back, resumes elsewhere and misses nothing', async () => {
  await using other = await TestNode.start({ heartbeatMs: 200, drainRetryMs: 50, drainSpreadMs: 100 });
  const token = await other.token('liv');
  await other.produce('liv', [{ text: 'before' }]);
  await using stream = await RawStream.open(other.url, token, { from: 'earliest' });
  await stream.until(({ kind }) => kind === 'caught_up');
  await other.stopRole();
  await stream.ended;
  const goodbye = stream.frames.at(-1);
  expect(goodbye).toMatchObject({ kind: 'goodbye', reason: 'draining', terminal: false });
  expect(goodbye.retry_after_ms).toBeGreaterThanOrEqual(50);
  expect(goodbye.retry_after_ms).toBeLessThanOrEqual(150);
  await other.startRole();
  const produced = await other.produce('liv', [{ text: 'after' }]);
  const from = { epoch: goodbye.epoch, offset: goodbye.offset };
  await using resumed = await RawStream.open(other.url, token, { from });
  const message = await resumed.until(({ kind }) => kind === 'message');
  expect(message).toMatchObject({ offset: produced[0]!.offset, prev: goodbye.offset, payload: { text: 'after' } });
});
