/** Positions that lead nowhere, on a journal of which retention has really removed a volume. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openJournalWriter } from '../journal/writer.ts';
import type { ProducedRecord } from '../protocol/log/log.ts';
import { RESULTS_TOPIC } from '../protocol/log/topics.ts';
import { TestNode } from './testing/node.ts';
import { RawStream } from './testing/raw-stream.ts';

const CLIENT = 'ann';
const HOUR = 3_600_000;

let node: TestNode;
let token: string;
let epoch: string;
let retired: ProducedRecord[];
let held: ProducedRecord[];

beforeAll(async () => {
  node = await TestNode.start({ heartbeatMs: 300 });
  token = await node.token(CLIENT);
  epoch = (await node.log.describeTopic(RESULTS_TOPIC)).epoch;
  retired = await node.produce(CLIENT, [{ text: 'a' }, { text: 'b' }]);
  await maintain({ volumeSpanMs: 1, now: Date.now() + HOUR });
  held = await node.produce(CLIENT, [{ text: 'c' }, { text: 'd' }]);
  await maintain({ retentionMs: 1, now: Date.now() + HOUR });
});
afterAll(() => node[Symbol.asyncDispose]());

/** What the journaler does once a minute, by a clock that is ahead: ends the open volume, or removes those that are old. */
async function maintain({
  now,
  ...limits
}: {
  now: number;
  volumeSpanMs?: number;
  retentionMs?: number;
}): Promise<void> {
  await node.stopRole();
  const folder = join(node.folder, 'firehose', 'journal', String(retired[0]!.partition));
  const writer = openJournalWriter(folder, { epoch, now: Date.now(), ...limits });
  writer.maintain({ now });
  writer.close();
  await node.startRole();
}

const open = (body: object) => RawStream.open(node.url, token, { follow: false, ...body });
const refusal = (body: object) =>
  open(body).then(
    () => undefined,
    ({ problem }) => problem,
  );
const texts = (stream: RawStream) => stream.messages.map(({ payload }) => payload.text);

test('a retired position is a 410 before the first byte, and names the first message that is held', async () => {
  const asked = retired[0]!.offset;
  expect(await refusal({ from: { epoch, offset: asked } })).toMatchObject({
    type: '/problems/offset-retired',
    status: 410,
    epoch,
    asked,
    earliest: held[0]!.offset,
    latest: held[1]!.offset,
  });
});

test('what the problem says to do next works: begin before the earliest', async () => {
  const { earliest } = await refusal({ from: { offset: -1 } });
  await using stream = await open({ from: { epoch, offset: earliest - 1 } });
  await stream.ended;
  expect(texts(stream)).toEqual(['c', 'd']);
  // The last of the retired is where the first held one says that it follows.
  expect(stream.messages[0].prev).toBe(retired[1]!.offset);
});

test('the position of the last retired message is none of a gap: what follows it is held', async () => {
  await using stream = await open({ from: { epoch, offset: retired[1]!.offset } });
  await stream.ended;
  expect(stream.frames[0]).not.toHaveProperty('gap');
  expect(texts(stream)).toEqual(['c', 'd']);
});

test('on_gap earliest starts at the first that is held, and hello says so', async () => {
  const asked = retired[0]!.offset;
  await using stream = await open({ from: { offset: asked }, on_gap: 'earliest' });
  await stream.ended;
  const earliest = held[0]!.offset;
  expect(stream.frames[0]).toMatchObject({ kind: 'hello', gap: { asked, earliest }, offset: earliest - 1, earliest });
  expect(texts(stream)).toEqual(['c', 'd']);
});

test('whoever asks for the earliest asked for no more than there is: no gap', async () => {
  await using stream = await open({ from: 'earliest' });
  await stream.ended;
  expect(stream.frames[0]).not.toHaveProperty('gap');
  expect(texts(stream)).toEqual(['c', 'd']);
});

test('a named consumer whose checkpoint was retired is told so, and goes on where it allows that', async () => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ offset: retired[0]!.offset });
  const put = await fetch(`${node.url}/v1/consumers/w`, { method: 'PUT', headers, body });
  expect(put.status).toBe(200);
  const from = { consumer: 'w' };
  expect(await refusal({ from })).toMatchObject({ status: 410, earliest: held[0]!.offset });
  await using stream = await open({ from, on_gap: 'earliest' });
  await stream.ended;
  expect(stream.frames[0]).toMatchObject({ consumer: 'w', gap: { asked: retired[0]!.offset } });
});

test('an EventSource that resumes at a retired event is refused the same way', async () => {
  const response = await fetch(`${node.url}/v1/firehose?access_token=${token}`, {
    headers: { accept: 'text/event-stream', 'last-event-id': `${epoch}:${retired[0]!.offset}` },
  });
  expect([response.status, response.headers.get('content-type')]).toEqual([410, 'application/problem+json']);
  expect(await response.json()).toMatchObject({ earliest: held[0]!.offset });
});

test('a position that no message has yet is a 416, one of another log a 409: each says what is known', async () => {
  const latest = held[1]!.offset;
  const asked = latest + 1_000;
  expect(await refusal({ from: { epoch, offset: asked } })).toMatchObject({ status: 416, epoch, asked, latest });
  const foreign = { epoch: 'other', offset: latest };
  expect(await refusal({ from: foreign })).toMatchObject({ status: 409, epoch, asked: 'other', latest });
  expect(await refusal({ from: 'earliest', until: foreign })).toMatchObject({ status: 409, epoch });
});
