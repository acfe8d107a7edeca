import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type BlobStore, BlobUnavailableError } from './blob-store.ts';
import { blobMeasurement } from './measured-blob-store.ts';
import { watchBlobStore } from './watch-blob-store.ts';

let fault: Error | undefined;
const registry = new Registry();
const store: BlobStore = blobMeasurement(registry)({
  name: 'test',
  put: async () => undefined,
  get: async () => Buffer.from('content'),
  retireBefore: async () => 3,
  check: async () => {
    if (fault !== undefined) throw fault;
  },
});

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('not ready until the store has answered; an outage later is told and takes nobody out of service', async () => {
  fault = new BlobUnavailableError('no such bucket');
  const watch = watchBlobStore(store, pino({ level: 'silent' }));
  await vi.advanceTimersByTimeAsync(5000);
  expect(watch.readiness()).toMatchObject({ ready: false, detail: expect.stringContaining('no such bucket') });
  fault = undefined;
  await vi.advanceTimersByTimeAsync(1000);
  expect(watch.readiness()).toEqual({ ready: true, detail: 'test' });
  fault = new BlobUnavailableError('gone');
  await vi.advanceTimersByTimeAsync(15_000);
  expect(watch.readiness()).toMatchObject({ ready: true, detail: expect.stringContaining('gone') });
  fault = undefined;
  await vi.advanceTimersByTimeAsync(15_000);
  expect(watch.readiness()).toEqual({ ready: true, detail: 'test' });
  await watch.stop();
});

test('what is done with the store is measured', async () => {
  registry.resetMetrics();
  fault = new BlobUnavailableError('gone');
  await store.check().catch(() => {});
  await store.put(new Uint8Array(32), Buffer.alloc(5));
  await store.get(new Uint8Array(32));
  await store.retireBefore(0);
  const text = await registry.metrics();
  expect(text).toContain('sluice_blob_operation_seconds_count{store="test",operation="put",outcome="ok"} 1');
  expect(text).toContain(
    'sluice_blob_operation_seconds_count{store="test",operation="check",outcome="BlobUnavailableError"}',
  );
  expect(text).toContain('sluice_blob_bytes_total{store="test",operation="put"} 5');
  expect(text).toContain('sluice_blob_bytes_total{store="test",operation="get"} 7');
  expect(text).toContain('sluice_blob_retired_total{store="test"} 3');
});
