/** Several firehose nodes on one log, each with journals of its own, as their clients see them. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import { partitionOf } from '../../protocol/log/partitioner.ts';
import { createClient } from '../../sdk/client/client.ts';
import { TestNode } from '../testing/node.ts';
import { RawStream } from '../testing/raw-stream.ts';

const QUICK = { heartbeatMs: 200, drainRetryMs: 20, drainSpreadMs: 50 };
const NODE = { announceMs: 200, expireMs: 1_500 };
const PATIENCE = { timeout: 60_000, interval: 20 };

/** Holds partition 0 of 2. */
let zero: TestNode;
/** Holds partition 1. */
let one: TestNode;
/** Holds nothing, and passes requests on. */
let front: TestNode;

beforeAll(async () => {
  zero = await TestNode.start({ ...QUICK, partitions: '0', node: NODE });
  one = zero.neighbour('one', { ...QUICK, partitions: '1', node: NODE });
  front = zero.neighbour('front', { ...QUICK, partitions: 'none', node: { ...NODE, elsewhere: 'forward' } });
  await one.startRole();
  await front.startRole();
  for (const node of [zero, one, front])
    await vi.waitFor(async () => expect(await nodesOf(node)).toHaveLength(3), PATIENCE);
});
afterAll(async () => {
  await front.stopRole();
  await one.stopRole();
  await zero[Symbol.asyncDispose]();
});

/** A client whose journal is that of the partition, and of which no run of any test knows. */
function clientIn(partition: number, name: string): string {
  for (;;) {
    const client = `${name}-${randomUUID()}`;
    if (partitionOf(client, 2) === partition) return client;
  }
}

async function ask(node: TestNode, token: string, path: string, init: RequestInit = {}): Promise<Response> {
  const type = init.body === undefined ? {} : { 'content-type': 'application/json' };
  const headers = { authorization: `Bearer ${token}`, ...type };
  return fetch(`${node.url}${path}`, { redirect: 'manual', ...init, headers });
}

async function nodesOf(node: TestNode): Promise<{ id: string; partitions: { partition: number; state: string }[] }[]> {
  const token = await node.token('operator', { grants: { 'firehose-1': { operator: true } } });
  return ((await (await ask(node, token, '/v1/nodes')).json()) as { nodes: [] }).nodes;
}

const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => ({ text: `${from + n}` }));

test('every request for a client of another node is sent there, path, query and method as they are', async () => {
  const ann = clientIn(1, 'ann');
  const token = await zero.token(ann);
  await one.produce(ann, [{ text: 'here', transaction: 'tx' }]);
  const put = { method: 'PUT', body: JSON.stringify({ offset: -1 }) };
  const post = { method: 'POST', body: JSON.stringify({ from: 'earliest', follow: false }) };
  for (const [path, init, status] of [
    ['/v1/firehose?from=earliest&follow=false', {}, 200],
    ['/v1/firehose', post, 200],
    ['/v1/firehose/plan', post, 200],
    ['/v1/durable/messages?offset=-1', {}, 200],
    ['/v1/durable/messages', { method: 'HEAD' }, 200],
    ['/v1/transactions/tx', {}, 200],
    ['/v1/transactions?limit=7', {}, 200],
    ['/v1/consumers/c', put, 200],
    ['/v1/consumers', {}, 200],
    ['/v1/consumers/c', { method: 'DELETE' }, 204],
    ['/v1/connections', {}, 200],
  ] as const) {
    const answer = await ask(zero, token, path, init);
    await answer.body?.cancel();
    expect([path, answer.status, answer.headers.get('location')]).toEqual([path, 307, `${one.url}${path}`]);
    const passedOn = await ask(front, token, path, init);
    await passedOn.text();
    expect([path, passedOn.status]).toEqual([path, status]);
  }
});

test('who may not read learns nothing of nodes', async () => {
  const stranger = await zero.token(clientIn(1, 'eve'), { grants: { 'ocr-1': {} } });
  expect((await ask(zero, stranger, '/v1/transactions')).status).toBe(403);
  expect((await ask(zero, 'nonsense', '/v1/transactions')).status).toBe(401);
  expect((await ask(zero, await zero.token('bob'), '/v1/nodes')).status).toBe(403);
});

test('the client library reads, and keeps a consumer, through a node that has nothing', async () => {
  const bob = clientIn(1, 'bob');
  await one.produce(bob, numbered(0, 5));
  // A redirect crosses ports here as it crosses hosts elsewhere.
  const client = createClient({ url: zero.url, token: await zero.token(bob) });
  const read = async (count: number) => {
    const texts: string[] = [];
    for await (const { payload } of client.firehose({ from: { consumer: 'w' }, checkpointMs: 0 })) {
      texts.push(payload.text);
      if (texts.length === count) break;
    }
    return texts;
  };
  expect(await read(3)).toEqual(['0', '1', '2']);
  expect(await read(3)).toEqual(['2', '3', '4']);
});

test('a control message finds the node of its stream, redirected or passed on', async () => {
  const cyd = clientIn(1, 'cyd');
  const token = await zero.token(cyd);
  await using stream = await RawStream.open(one.url, token);
  const hello = await stream.until(({ kind }) => kind === 'hello');
  const path = `/v1/firehose/${encodeURIComponent(hello.stream)}`;
  const pause = { method: 'PATCH', body: JSON.stringify({ kind: 'pause' }) };
  expect((await ask(zero, token, path, pause)).headers.get('location')).toBe(`${one.url}${path}`);
  expect((await ask(front, token, path, pause)).status).toBe(200);
  expect(await stream.until(({ kind }) => kind === 'control')).toMatchObject({ applied: 'pause' });
  expect((await ask(front, token, `/v1/connections/${hello.stream}`, { method: 'DELETE' })).status).toBe(204);
  await stream.ended;
});

test('a stream that is passed on is live, takes lines in its open body, and ends when either side goes', async () => {
  const dot = clientIn(1, 'dot');
  const token = await zero.token(dot);
  const lines = new TransformStream<string, string>();
  const writer = lines.writable.getWriter();
  void writer.write('{"from":"earliest"}\n');
  const stream = await RawStream.open(front.url, token, {}, {
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.readable.pipeThrough(new TextEncoderStream()),
    duplex: 'half',
  } as RequestInit);
  await one.produce(dot, [{ text: 'live' }]);
  await stream.until(({ payload }) => payload?.text === 'live');
  void writer.write('{"kind":"pause"}\n');
  await stream.until(({ kind }) => kind === 'control');
  const connections = async () =>
    ((await (await ask(one, token, '/v1/connections')).json()) as { connections: [] }).connections.length;
  expect(await connections()).toBe(1);
  await stream[Symbol.asyncDispose]();
  await expect.poll(connections, PATIENCE).toBe(0);
});

test('where no node has the journal, or the one that has goes down, the answer is 503 and says so', async () => {
  const two = zero.neighbour('two', { ...QUICK, partitions: 'none', node: NODE });
  await two.startRole();
  const fay = clientIn(1, 'fay');
  const token = await zero.token(fay);
  await expect.poll(async () => (await ask(two, token, '/v1/transactions')).status, PATIENCE).toBe(307);
  await one.stopRole();
  for (const node of [two, front]) {
    await expect.poll(async () => (await nodesOf(node)).map(({ id }) => id), PATIENCE).not.toContain('one');
    const answer = await ask(node, token, '/v1/transactions');
    expect([answer.status, Number(answer.headers.get('retry-after'))]).toEqual([503, expect.any(Number)]);
    expect(await answer.json()).toMatchObject({ type: '/problems/unavailable', partition: 1, state: 'not_held' });
  }
  await two.stopRole();
  await one.startRole();
  await expect.poll(async () => (await ask(front, token, '/v1/transactions')).status, PATIENCE).toBe(200);
});

test('a lost journal is rebuilt with the same offsets; until then it sends readers to the other copy, or tells how far it is', {
  timeout: 180_000,
}, async () => {
  const gus = clientIn(1, 'gus');
  const token = await zero.token(gus);
  const lines = Array.from({ length: 20_000 }, (_, index) =>
    one.event(gus, token, TextLine, TextLine.create({ text: `${index}` })),
  );
  for (let at = 0; at < lines.length; at += 4_000) await one.produceRaw(gus, lines.slice(at, at + 4_000));
  await one.journaled(
    (await one.produceRaw(gus, [one.event(gus, token, TextLine, TextLine.create({ text: 'last' }))]))[0]!,
  );
  const content = async (node: TestNode) => {
    await using stream = await RawStream.open(node.url, token, { from: 'earliest', follow: false });
    await stream.ended;
    return stream.messages.map(({ offset, prev, id }) => `${offset} ${prev} ${id}`);
  };
  const before = await content(one);
  expect(before).toHaveLength(20_001);

  await one.stopRole();
  await rm(one.journalFolder(1), { recursive: true });
  await one.startRole({ wait: false });
  const progress = new Set<number>();
  await expect
    .poll(
      async () => {
        const answer = await ask(one, token, '/v1/transactions');
        const body = (await answer.json()) as { state?: string; progress?: number };
        if (answer.status === 503 && body.state === 'rebuilding') {
          expect(one.readiness()).toMatchObject({
            ready: false,
            detail: expect.stringMatching(/partition 1 is being rebuilt/),
          });
          expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
          progress.add(body.progress!);
        }
        return answer.status;
      },
      { timeout: 60_000, interval: 5 },
    )
    .toBe(200);
  expect(progress.size).toBeGreaterThan(1);
  expect(await content(one)).toEqual(before);

  // The same again with another copy: its readers never hear of it.
  const copy = zero.neighbour('copy', { ...QUICK, partitions: '1', node: NODE });
  await copy.startRole();
  expect(await content(copy)).toEqual(before);
  await one.stopRole();
  await rm(one.journalFolder(1), { recursive: true });
  await one.startRole({ wait: false });
  let redirected = 0;
  await expect
    .poll(
      async () => {
        const answer = await ask(one, token, '/v1/transactions');
        await answer.body?.cancel();
        expect([200, 307]).toContain(answer.status);
        if (answer.status === 307) {
          expect(answer.headers.get('location')).toBe(`${copy.url}/v1/transactions`);
          redirected++;
        }
        return answer.status;
      },
      { timeout: 60_000, interval: 5 },
    )
    .toBe(200);
  expect(redirected).toBeGreaterThan(1);
  await copy.stopRole();
});
