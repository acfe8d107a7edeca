/** On a real log, with a consumer that hangs as long as the test wants it to. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openEmbeddedLog } from './embedded/open.ts';
import type { Log } from './log.ts';
import { ProgressWatch } from './progress-watch.ts';

const PATIENCE = { timeout: 60_000, interval: 20 };
const STALL_MS = 400;

let folder: string;
let log: Log;
let watch: ProgressWatch;
let metrics: Registry;
let lines: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-progress-'));
  log = await openEmbeddedLog({ folder });
  const limits = { retentionMs: undefined, retentionBytes: undefined, maxMessageBytes: 1 << 20, replication: 1 };
  await log.createTopics([{ name: 't', partitions: 2, kind: 'events', owner: 'test', ...limits }]);
  metrics = new Registry();
  lines = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });
  watch = new ProgressWatch({ stallMs: STALL_MS, lookEveryMs: 50, logger, metrics });
});
afterEach(async () => {
  await watch.stop();
  await log.close();
  await rm(folder, { recursive: true });
});

const produce = (keys: readonly string[]) =>
  log.produce(
    't',
    keys.map((key) => ({ key, value: Buffer.from('v') })),
  );

test('a handler that does not settle is found, named, and forgiven when it goes on', async () => {
  let release = () => {};
  const subscription = await watch.watch(log, 'tester').subscribe({
    group: 'g',
    topics: ['t'],
    onBatch: ({ partition }) =>
      partition === 0
        ? new Promise<void>((resolve) => {
            release = resolve;
          })
        : Promise.resolve(),
  });
  expect(watch.readiness().ready).toBe(true);
  await produce(['a', 'b', 'c', 'd', 'e', 'f']);
  await expect.poll(() => watch.readiness().ready, PATIENCE).toBe(false);
  expect(watch.readiness().detail).toMatch(/^no progress: g t\/0 for \d+ s$/);
  expect(await metrics.metrics()).toMatch(
    /sluice_consumer_stalled_seconds\{role="tester",group="g",topic="t",partition="0"\} 0\.[4-9]/,
  );
  expect(await metrics.metrics()).toContain('topic="t",partition="1"} 0\n');
  expect(lines.filter((line) => line.includes('makes no progress'))).toHaveLength(1);
  release();
  await expect.poll(() => watch.readiness(), PATIENCE).toEqual({ ready: true, detail: 'every consumer gets on' });
  expect(lines.at(-1)).toContain('gets on again');
  await subscription.close();
});

test('a consumer with nothing to do, and one that is slow but gets on, are left alone', async () => {
  const subscription = await watch.watch(log, 'tester').subscribe({
    group: 'g',
    topics: ['t'],
    maxBatchRecords: 1,
    onBatch: () => new Promise((resolve) => setTimeout(resolve, STALL_MS / 4)),
  });
  const until = performance.now() + 3 * STALL_MS;
  await produce(Array.from({ length: 20 }, (_, n) => String(n)));
  while (performance.now() < until) {
    expect(watch.readiness().ready).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await subscription.close();
});

test('a partition that another member holds is not ours to answer for', async () => {
  const elsewhere = await openEmbeddedLog({ folder });
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const member = { group: 'g', topics: ['t'] };
  const hanging = await elsewhere.subscribe({
    ...member,
    onBatch: () => held,
  });
  const ours = await watch.watch(log, 'tester').subscribe({ ...member, onBatch: async () => {} });
  await expect.poll(async () => (await metrics.metrics()).includes('group="g"'), PATIENCE).toBe(true);
  await produce(['a', 'b', 'c', 'd', 'e', 'f']);
  const until = performance.now() + 3 * STALL_MS;
  while (performance.now() < until) {
    expect(watch.readiness().ready).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect((await log.lag('g', 't')).some(({ lag }) => lag > 0)).toBe(true);
  release();
  await ours.close();
  await hanging.close();
  await elsewhere.close();
});
