/** Readers that take nothing, little or rubbish from the network: what they get, and what they cost. */
import { randomUUID } from 'node:crypto';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BareConnection } from './testing/bare-connection.ts';
import { collectGarbage } from './testing/collect-garbage.ts';
import { TestNode } from './testing/node.ts';
import { RawStream } from './testing/raw-stream.ts';

const STUCK_MS = 4_000;
const CHUNK_BYTES = 65_536;
const MIB = 1 << 20;
/** More than the kernel buffers of a connection hold, twice. */
const BACKLOG = Array.from({ length: 240 }, (_, n) => ({ text: `${n} ${'x'.repeat(100_000)}` }));

let node: TestNode;
beforeAll(async () => {
  node = await TestNode.start({ stuckMs: STUCK_MS, chunkBytes: CHUNK_BYTES, heartbeatMs: 200 });
  for (let at = 0; at < BACKLOG.length; at += 20) await node.produce('big', BACKLOG.slice(at, at + 20));
}, 300_000);
afterAll(() => node[Symbol.asyncDispose]());

async function connections(client: string): Promise<{ stream: string }[]> {
  const headers = { authorization: `Bearer ${await node.token(client)}` };
  const response = await fetch(`${node.url}/v1/connections`, { headers });
  return ((await response.json()) as { connections: { stream: string }[] }).connections;
}

async function ended(reason: string): Promise<number> {
  const metric = await node.metrics.getSingleMetric('sluice_firehose_streams_ended_total')!.get();
  return metric.values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
}

/** Bytes of buffers that are in use. */
async function heldBytes(): Promise<number> {
  await collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

test('a reader that takes nothing is disconnected after the limit, not before, and counted with its reason', async () => {
  const before = await ended('slow');
  const began = performance.now();
  await using stuck = await BareConnection.open(node.url, await node.token('big'), { from: 'earliest' });
  await expect.poll(() => connections('big')).toHaveLength(1);
  await expect.poll(() => connections('big')).toHaveLength(0);
  expect(performance.now() - began).toBeGreaterThan(STUCK_MS);
  expect(await ended('slow')).toBe(before + 1);
  stuck.readOn();
  await stuck.closed;
  expect(stuck.frames().length).toBeLessThan(BACKLOG.length);
});

test('a reader that is slow but gets on is never disconnected, and misses nothing', { timeout: 180_000 }, async () => {
  const before = await ended('slow');
  await using slow = await BareConnection.open(node.url, await node.token('big'), { from: 'earliest', follow: false });
  // Half of what waits, over twice the limit: it never catches up, but gets on all the time.
  const began = performance.now();
  for (let [taken, ms] = [0, 0]; ms < 2 * STUCK_MS; ms = performance.now() - began) {
    const due = (ms / (2 * STUCK_MS)) * 12e6;
    while (taken < due) {
      const more = slow.take(CHUNK_BYTES);
      if (more === 0) break;
      taken += more;
    }
    await sleep(10);
  }
  expect(slow.frames().length).toBeLessThan(BACKLOG.length);
  slow.readOn();
  await slow.closed;
  const frames = slow.frames();
  expect(frames.filter(({ kind }) => kind === 'message').map(({ payload }) => payload.text)).toEqual(
    BACKLOG.map(({ text }) => text),
  );
  expect(frames.at(-1)).toMatchObject({ kind: 'goodbye', reason: 'until' });
  expect(await ended('slow')).toBe(before);
});

test('a stuck stream of an HTTP/2 connection ends alone', { timeout: 180_000 }, async () => {
  const session = connectHttp2(node.url);
  const authorization = `Bearer ${await node.token('big')}`;
  const ask = (query: string) => session.request({ ':path': `/v1/firehose?${query}`, authorization });
  const stuck = ask('from=earliest');
  // Flow control of a stream: what is not read is not sent.
  stuck.pause();
  const neighbour = ask('from=latest').setEncoding('utf8');
  let heard = '';
  neighbour.on('data', (text) => {
    heard += text;
  });
  await expect.poll(() => ended('slow')).toBeGreaterThan(0);
  await expect.poll(() => connections('big')).toHaveLength(1);
  const length = heard.length;
  await expect.poll(() => heard.length).toBeGreaterThan(length);
  expect(neighbour.destroyed).toBe(false);
  for (const stream of [stuck, neighbour]) stream.on('error', () => {}).close(constants.NGHTTP2_CANCEL);
  session.destroy();
  await expect.poll(() => connections('big')).toHaveLength(0);
});

test('a flood of rubbish after the request is thrown away and harms no stream', async () => {
  const client = `flooded-${randomUUID()}`;
  await node.produce(client, [{ text: 'first' }]);
  const token = await node.token(client);
  await using flooding = await BareConnection.open(node.url, token, { from: 'earliest' });
  flooding.readOn();
  await expect.poll(() => flooding.frames().length).toBeGreaterThan(0);
  const before = await heldBytes();
  const rubbish = Buffer.alloc(MIB, 'GET / HTTP/1.1\r\n\r\n');
  for (let n = 0; n < 64; n++) {
    if (!flooding.socket.write(rubbish)) await new Promise((resolve) => flooding.socket.once('drain', resolve));
  }
  await expect.poll(async () => (await heldBytes()) - before).toBeLessThan(2 * MIB);
  await node.produce(client, [{ text: 'second' }]);
  await expect.poll(() => flooding.frames().filter(({ kind }) => kind === 'message').length).toBe(2);
});

test('a connection that breaks while its stream is being opened leaves no stream behind', async () => {
  const token = await node.token('broken');
  for (let n = 0; n < 20; n++) {
    const socket = connect(Number(new URL(node.url).port), '127.0.0.1').on('error', () => {});
    const head = `GET /v1/firehose HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`;
    socket.write(head, () => socket.resetAndDestroy());
  }
  // One that stays is opened after them, so they have been dealt with.
  await using _last = await RawStream.open(node.url, token);
  await expect.poll(() => connections('broken')).toHaveLength(1);
});
