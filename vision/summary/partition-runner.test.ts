/** What a partition's runner does when the log or the store fails. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ServiceCompleted } from '../../protocol/generated/completion/v1m0/completion_pb.js';
import { ImageAccepted } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { LogUnavailableError } from '../../protocol/log/errors.ts';
import { PartitionBook } from './partition-book.ts';
import { PartitionRunner } from './partition-runner.ts';
import { PartitionStore } from './store.ts';
import { factOf, imageId } from './testing/arbitrary-facts.ts';

const RULES = { defaultDeadlineMs: undefined, revisionIntervalMs: 0, maxSummaryBytes: 1 << 20 };
const RECORDS = [
  factOf(ImageAccepted, ImageAccepted.create({ imageId: imageId(0), services: ['ocr'] })),
  factOf(ServiceCompleted, ServiceCompleted.create({ imageId: imageId(0), service: 'ocr', version: '1.0' })),
].map((fact, offset) => ({ offset, fact }));

let folder: string;
let store: PartitionStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-runner-'));
  store = PartitionStore.open(folder, 0, 'epoch');
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Faults {
  /** Called before each produce; may throw. */
  readonly produce?: () => void;
  /** Called before each save; may throw. */
  readonly save?: () => void;
  readonly storeOutageMs?: number;
}

function start(faults: Faults) {
  const produced: unknown[] = [];
  const faultsSeen: unknown[] = [];
  const clock = { now: 0 };
  const failing = new Proxy(store, {
    get(target, name) {
      if (name === 'save')
        return (changes: never) => {
          faults.save?.();
          target.save(changes);
        };
      const member = target[name as keyof PartitionStore] as unknown;
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  const runner = new PartitionRunner({
    log: {
      produce: async (_topic: string, records: readonly unknown[]) => {
        faults.produce?.();
        produced.push(...records);
        return [];
      },
    } as never,
    logger: pino({ level: 'silent' }),
    book: new PartitionBook(failing, RULES, { earliest: 0, end: 0 }),
    store: failing,
    storeOutageMs: faults.storeOutageMs ?? 1000,
    monotonic: () => clock.now,
    onSummaries: () => {},
    onFault: (error) => faultsSeen.push(error),
  });
  return { runner, produced, faultsSeen, clock };
}

const full = () => new Database.SqliteError('database or disk is full', 'SQLITE_FULL');
const never = new AbortController().signal;

test('the position is stored only when the summaries are acknowledged', async () => {
  let refused = 0;
  const { runner, produced } = start({
    produce: () => {
      expect(store.position()).toBeUndefined();
      refused += 1;
      if (refused < 3) throw new LogUnavailableError('not now');
    },
  });
  await runner.take(RECORDS, never);
  expect(refused).toBe(3);
  expect(produced).toHaveLength(1);
  expect(store.position()).toBe(2);
});

test('being told to stop while the log is away leaves the position where it was', async () => {
  const stop = new AbortController();
  const { runner, faultsSeen } = start({
    produce: () => {
      stop.abort(new Error('partition taken away'));
      throw new LogUnavailableError('not now');
    },
  });
  await expect(runner.take(RECORDS, stop.signal)).rejects.toThrow();
  expect(store.position()).toBeUndefined();
  expect(faultsSeen).toEqual([]);
});

test('while the store fails the summaries go on, and nothing is lost when it works again', async () => {
  let broken = true;
  const { runner, produced } = start({
    save: () => {
      if (broken) throw full();
    },
  });
  await runner.take(RECORDS.slice(0, 1), never);
  await runner.take(RECORDS.slice(1), never);
  expect(produced).toHaveLength(1);
  expect(runner.storeFails).toBe(true);
  expect(store.position()).toBeUndefined();
  broken = false;
  await runner.pass(2, 0, never);
  expect(runner.storeFails).toBe(false);
  expect(store.position()).toBe(2);
  expect(store.load('alice', 't')!.facts).toHaveLength(2);
});

test('past its bound consumption waits for the store', async () => {
  let broken = true;
  const { runner, clock } = start({
    save: () => {
      clock.now += 600;
      if (broken) throw full();
    },
    storeOutageMs: 1000,
  });
  await runner.take(RECORDS.slice(0, 1), never);
  let taken = false;
  clock.now += 1000;
  const waiting = runner.take(RECORDS.slice(1), never).then(() => {
    taken = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(taken).toBe(false);
  broken = false;
  await waiting;
  expect(store.position()).toBe(2);
});

test('a damaged store is reported, and the book takes nothing more in', async () => {
  const { runner, faultsSeen } = start({
    save: () => {
      throw new Database.SqliteError('database disk image is malformed', 'SQLITE_CORRUPT');
    },
  });
  await expect(runner.take(RECORDS, never)).rejects.toThrow('malformed');
  expect(faultsSeen).toHaveLength(1);
  await expect(runner.take(RECORDS, never)).rejects.toThrow('malformed');
});
