/** How many streams there may be, who goes where there are too many, and how a node with many of them goes down. */
import { expect, test } from 'vitest';
import { BareConnection } from './testing/bare-connection.ts';
import { TestNode } from './testing/node.ts';
import { RawStream } from './testing/raw-stream.ts';

test('where the rule is to close the oldest, it is told so, and the newest is served', async () => {
  await using node = await TestNode.start({ overLimit: 'close-oldest', maxStreamsPerClient: 2 });
  const token = await node.token('ada');
  await using first = await RawStream.open(node.url, token);
  await using second = await RawStream.open(node.url, token);
  await using third = await RawStream.open(node.url, token);
  await first.ended;
  expect(first.frames.at(-1)).toMatchObject({ kind: 'goodbye', reason: 'limit', terminal: true });
  await node.produce('ada', [{ text: 'on' }]);
  for (const stream of [second, third]) await stream.until(({ payload }) => payload?.text === 'on');
});

test('a node that is full answers 503 and when to come back, whoever asks, and serves again when one has gone', async () => {
  await using node = await TestNode.start({ maxStreams: 2, overLimit: 'close-oldest' });
  const first = await RawStream.open(node.url, await node.token('bob'));
  await using second = await RawStream.open(node.url, await node.token('cyd'));
  const token = await node.token('dot');
  const refused = await fetch(`${node.url}/v1/firehose`, { headers: { authorization: `Bearer ${token}` } });
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await refused.json()).toMatchObject({ type: '/problems/unavailable' });
  expect(second.frames.some(({ kind }) => kind === 'goodbye')).toBe(false);
  await first[Symbol.asyncDispose]();
  await expect
    .poll(() => RawStream.open(node.url, token).then((stream) => stream[Symbol.asyncDispose]()))
    .toBeUndefined();
});

test('the many streams of a node that goes down are sent away at once, to come back spread over time', async () => {
  const [drainRetryMs, drainSpreadMs, readers] = [1_000, 8_000, 300];
  await using node = await TestNode.start({ drainRetryMs, drainSpreadMs });
  const streams = await Promise.all(
    Array.from({ length: readers }, async (_, n) => {
      const stream = await BareConnection.open(node.url, await node.token(`client-${n}`), { from: 'latest' });
      stream.readOn();
      await expect.poll(() => stream.frames().length).toBeGreaterThan(0);
      return stream;
    }),
  );
  await node.stopRole();
  await Promise.all(streams.map(({ closed }) => closed));
  const goodbyes = streams.map((stream) => stream.frames().at(-1));
  for (const goodbye of goodbyes) {
    expect(goodbye).toMatchObject({ kind: 'goodbye', reason: 'draining', terminal: false });
  }
  // A quarter of them is due in each quarter of the time, give or take what chance does once in a million runs.
  const quarters = [0, 0, 0, 0];
  for (const { retry_after_ms: ms } of goodbyes) {
    expect(ms).toBeGreaterThanOrEqual(drainRetryMs);
    expect(ms).toBeLessThanOrEqual(drainRetryMs + drainSpreadMs);
    quarters[Math.min(3, Math.floor(((ms - drainRetryMs) / drainSpreadMs) * 4))]!++;
  }
  for (const count of quarters) expect(Math.abs(count - readers / 4)).toBeLessThan(40);
  await node.startRole();
}, 300_000);
