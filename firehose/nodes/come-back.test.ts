/** Two nodes with the same partitions: after one was away, its readers find their way back without losing a message. */
import { expect, test } from 'vitest';
import { createClient } from '../../sdk/client/client.ts';
import { TestNode } from '../testing/node.ts';

const QUICK = { heartbeatMs: 200, drainRetryMs: 20, drainSpreadMs: 50 };
const NODE = { announceMs: 200, expireMs: 1_500 };
const PATIENCE = { timeout: 60_000, interval: 20 };

test('with a lifetime of streams, readers come back to a node that was away, and no message is missing or there twice', {
  timeout: 180_000,
}, async () => {
  const settings = { ...QUICK, streamLifetimeMs: 300, node: NODE };
  await using here = await TestNode.start(settings, 1);
  const there = here.neighbour('there', settings);
  await there.startRole();
  // Holds nothing: it sends readers to any of the others.
  const front = here.neighbour('front', { ...settings, partitions: 'none' });
  await front.startRole();

  const token = await here.token('ann');
  const offsets: number[] = [];
  const prevs: number[] = [];
  const visits: string[] = [];
  const stop = new AbortController();
  const read = (async () => {
    const onEvent = (event: { kind: string; hello?: { stream: string } }) => {
      if (event.kind === 'connected') visits.push(event.hello!.stream.split('@')[1]!);
    };
    const options = { from: 'earliest', signal: stop.signal, onEvent } as const;
    for await (const { offset, prev } of createClient({ url: front.url, token }).firehose(options)) {
      offsets.push(offset);
      prevs.push(prev);
    }
  })();
  const produced: number[] = [];
  const produce = async () => {
    for (const { offset } of await here.produce('ann', [{}, {}, {}])) produced.push(offset);
    return visits;
  };

  await expect.poll(produce, PATIENCE).toContain('there');
  await there.stopRole();
  await produce();
  await expect.poll(() => offsets.length, PATIENCE).toBe(produced.length);
  const before = visits.length;
  expect(visits.at(-1)).toBe('firehose');
  await there.startRole();
  await expect.poll(async () => (await produce()).slice(before), PATIENCE).toContain('there');
  await expect.poll(() => offsets.length, PATIENCE).toBe(produced.length);

  stop.abort();
  await read;
  expect(offsets).toEqual(produced);
  expect(prevs).toEqual([-1, ...produced.slice(0, -1)]);
  await front.stopRole();
  await there.stopRole();
});
