import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Log } from '../log/log.ts';
import { openLog } from '../log/open.ts';
import { logMeasurement } from './measured-log.ts';

let folder: string;
let log: Log;
let registry: Registry;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-measured-'));
  const opened = await openLog({ kind: 'embedded', folder });
  registry = new Registry();
  log = logMeasurement(registry, Date.now)(opened, 'tester');
  await log.createTopics([
    {
      name: 'things-1',
      partitions: 1,
      kind: 'events',
      retentionMs: undefined,
      retentionBytes: undefined,
      maxMessageBytes: 1000,
      replication: 1,
      owner: 'test',
    },
  ]);
});

afterEach(async () => {
  await log.close();
  await rm(folder, { recursive: true });
});

const things = (count: number) => Array.from({ length: count }, () => ({ key: 'k', value: Buffer.alloc(10) }));
const metrics = () => registry.metrics();

test('what is produced is counted with its bytes, what is refused as an error', async () => {
  await log.produce('things-1', things(3));
  await expect(log.produce('things-1', [{ key: 'k', value: Buffer.alloc(2000) }])).rejects.toThrow();
  const text = await metrics();
  expect(text).toContain('sluice_log_produced_records_total{role="tester",topic="things-1"} 3');
  expect(text).toContain('sluice_log_produced_bytes_total{role="tester",topic="things-1"} 30');
  expect(text).toContain(
    'sluice_log_produce_errors_total{role="tester",topic="things-1",error="RecordTooLargeError"} 1',
  );
});

test('the lag of a group is what it has not finished, and batches that are given back are counted', async () => {
  await log.produce('things-1', things(5));
  const labels = 'role="tester",group="g",topic="things-1"';
  let broken = true;
  const subscription = await log.subscribe({
    group: 'g',
    topics: ['things-1'],
    onBatch: async () => {
      if (broken) throw new Error('not yet');
    },
  });
  await vi.waitFor(async () => expect(await metrics()).toMatch(`sluice_consumer_errors_total{${labels}}`), 60_000);
  expect(await metrics()).toContain(`sluice_consumer_lag_records{${labels},partition="0"} 5`);
  broken = false;
  await vi.waitFor(
    async () => expect(await metrics()).toContain(`sluice_consumer_lag_records{${labels},partition="0"} 0`),
    60_000,
  );
  expect(await metrics()).toMatch(`sluice_consumer_batch_records_sum{${labels}}`);
  await subscription.close();
});
