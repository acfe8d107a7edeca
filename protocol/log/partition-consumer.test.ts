import { expect, test, vi } from 'vitest';
import type { Batch, LogRecord } from './log.ts';
import { PartitionConsumer, type PartitionConsumerOptions } from './partition-consumer.ts';

const source = { topic: 't', partition: 0 };
const record = (offset: number): LogRecord => ({
  ...source,
  offset,
  timestamp: 0,
  key: 'k',
  value: null,
  headers: {},
});

/** A partition of records 0 to `count` - 1, given in twos. */
function consume(count: number, changes: Partial<PartitionConsumerOptions>) {
  const progress: number[] = [];
  const errors: unknown[] = [];
  const records = Array.from({ length: count }, (_, offset) => record(offset));
  const consumer = new PartitionConsumer({
    source,
    position: 0,
    fetch: (position) => ({ records: records.slice(position, position + 2), end: records.length }),
    onBatch: async () => {},
    onProgress: (position) => progress.push(position),
    onError: (error) => errors.push(error),
    ...changes,
  });
  return { consumer, progress, errors, records };
}

const PATIENCE = { timeout: 60_000 };

test('advances batch by batch, and goes on when woken', async () => {
  const { consumer, progress, records } = consume(3, {});
  await vi.waitFor(() => expect(progress).toEqual([2, 3]), PATIENCE);
  records.push(record(3));
  consumer.wake();
  await vi.waitFor(() => expect(progress).toEqual([2, 3, 4]), PATIENCE);
  await consumer.stop();
});

test('a wake that comes while fetching is not lost', async () => {
  const gate = Promise.withResolvers<void>();
  let fetches = 0;
  const { consumer, progress } = consume(0, {
    fetch: async () => {
      if (fetches++ > 0) return { records: [record(0)], end: 1 };
      await gate.promise;
      return { records: [], end: 0 };
    },
    onBatch: async ({ signal }) => {
      if (fetches > 2) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
  });
  consumer.wake();
  gate.resolve();
  await vi.waitFor(() => expect(progress).toEqual([1]), PATIENCE);
  await consumer.stop();
});

test('a fetch that fails is told and tried again', async () => {
  let fetches = 0;
  const { consumer, progress, errors } = consume(0, {
    fetch: () => {
      if (fetches++ === 0) throw new Error('no disk');
      return { records: fetches === 2 ? [record(7)] : [], end: 8 };
    },
  });
  await vi.waitFor(() => expect(progress).toEqual([8]), PATIENCE);
  expect(errors.map(String)).toEqual(['Error: no disk']);
  await consumer.stop();
});

test('what a batch says after it has settled is not heard', async () => {
  let kept: Batch | undefined;
  const { consumer, progress } = consume(2, {
    onBatch: async (batch) => {
      if (kept !== undefined) return;
      kept = batch;
      throw new Error('later');
    },
  });
  await vi.waitFor(() => expect(kept).toBeDefined(), PATIENCE);
  await vi.waitFor(() => expect(progress).toEqual([2]), PATIENCE);
  kept!.finished(1);
  expect(progress).toEqual([2]);
  await consumer.stop();
});

test('stop aborts the pending batch, waits for it, and does not report what it throws then', async () => {
  let settled = false;
  let started = false;
  const { consumer, errors } = consume(2, {
    onBatch: async ({ signal }) => {
      started = true;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      settled = true;
      throw new Error('aborted');
    },
  });
  await vi.waitFor(() => expect(started).toBe(true), PATIENCE);
  await consumer.stop();
  expect(settled).toBe(true);
  expect(errors).toEqual([]);
});

test('a finished offset past the batch counts only to its end', async () => {
  let first = true;
  const { consumer, progress } = consume(4, {
    onBatch: async ({ finished }) => {
      if (!first) return;
      first = false;
      finished(100);
      throw new Error('after all of it');
    },
  });
  await vi.waitFor(() => expect(progress).toEqual([2, 4]), PATIENCE);
  await consumer.stop();
});
