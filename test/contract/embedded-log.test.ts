/** The embedded log against the contract, and what is its own: sharing a folder, retention, full disks. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EmbeddedLogOptions, openEmbeddedLog } from '../../protocol/log/embedded/open.ts';
import { LogUnavailableError } from '../../protocol/log/errors.ts';
import type { Log, LogRecord, TopicDefinition } from '../../protocol/log/log.ts';
import { logContract } from './log.ts';
import { LogProcess } from './log-process.ts';

const PATIENCE = { timeout: 60_000, interval: 20 };
const HOUR = 3_600_000;

const shared = mkdtempSync(join(tmpdir(), 'sluice-log-'));
afterAll(() => rmSync(shared, { recursive: true, force: true }));

logContract('embedded log', async () => ({ kind: 'embedded', folder: shared, leaseMs: 2000 }));

describe('embedded log', () => {
  let folder: string;
  const opened: Log[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-log-'));
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((log) => log.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(options: Partial<EmbeddedLogOptions> = {}): Promise<Log> {
    const log = await openEmbeddedLog({ folder, ...options });
    opened.push(log);
    return log;
  }

  test('several openers of a new folder share one log', async () => {
    const logs = await Promise.all([open(), open(), open(), open()]);
    await Promise.all(logs.map((log) => log.createTopics([topic])));
    const produced = await Promise.all(
      logs.flatMap((log) => Array.from({ length: 25 }, () => log.produce('t', [record('k')]))),
    );
    const offsets = produced.flat().map(({ offset }) => offset);
    expect(offsets.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n));
  });

  test('what another process produces wakes a reader', async () => {
    const log = await open();
    await log.createTopics([topic]);
    const read: LogRecord[] = [];
    await log.follow({
      topic: 't',
      from: new Map([[0, 0]]),
      onBatch: async ({ records }) => void read.push(...records),
    });
    await using _producer = new LogProcess({ kind: 'embedded', folder }, 'produce', 't');
    await expect.poll(() => read.length, PATIENCE).toBeGreaterThan(20);
  });

  test('records are kept across a restart, with their offsets and epoch', async () => {
    const before = await open();
    await before.createTopics([topic]);
    await before.produce('t', [record('a'), record('b')]);
    const { epoch } = await before.describeTopic('t');
    await before.close();
    const after = await open();
    expect(await after.describeTopic('t')).toEqual({ definition: topic, epoch });
    expect(await after.produce('t', [record('c')])).toEqual([{ partition: 0, offset: 2 }]);
  });

  test('records older than the retention are deleted; whoever follows from them starts at the earliest', async () => {
    let now = Date.UTC(2030, 0, 1);
    const log = await open({ clock: () => now, retentionIntervalMs: 20 });
    await log.createTopics([{ ...topic, retentionMs: HOUR }]);
    await log.produce('t', [record('old'), record('old')]);
    now += HOUR / 2;
    await log.produce('t', [record('new')]);
    now += HOUR / 2 + 1;
    await expect.poll(() => log.watermarks('t'), PATIENCE).toEqual([{ partition: 0, earliest: 2, end: 3 }]);
    const read: string[] = [];
    const onBatch = async ({ records }: { records: readonly LogRecord[] }) =>
      void read.push(...records.map((it) => it.key));
    await log.follow({ topic: 't', from: new Map([[0, 0]]), onBatch });
    await expect.poll(() => read, PATIENCE).toEqual(['new']);
    expect((await log.lag('nobody', 't'))[0]).toMatchObject({ lag: 1 });
    now += HOUR;
    await expect.poll(() => log.watermarks('t'), PATIENCE).toEqual([{ partition: 0, earliest: 3, end: 3 }]);
    expect(await log.produce('t', [record('next')])).toEqual([{ partition: 0, offset: 3 }]);
  });

  test('a partition that grows beyond its size loses its oldest records, over many slices', async () => {
    const log = await open({ retentionIntervalMs: 20 });
    await log.createTopics([{ ...topic, retentionBytes: 100_000 }]);
    const records = Array.from({ length: 4000 }, () => ({ key: 'k', value: Buffer.alloc(99) }));
    await log.produce('t', records);
    await expect.poll(() => log.watermarks('t'), PATIENCE).toEqual([{ partition: 0, earliest: 3000, end: 4000 }]);
  });

  test('an entity keeps one record a key, and a deletion is forgotten after a day', async () => {
    let now = Date.UTC(2030, 0, 1);
    const log = await open({ clock: () => now, retentionIntervalMs: 20 });
    await log.createTopics([{ ...topic, kind: 'entity' }]);
    for (let n = 0; n < 5; n++) await log.produce('t', [record('a', String(n)), record('b', String(n))]);
    await log.produce('t', [{ key: 'b', value: null }]);
    const entries = async () => {
      const read: string[] = [];
      const following = await log.follow({
        topic: 't',
        from: new Map([[0, 0]]),
        onBatch: async ({ records }) => void read.push(...records.map(({ key, value }) => `${key}=${value}`)),
      });
      await expect.poll(() => read.length, PATIENCE).toBeGreaterThan(0);
      await following.close();
      return read;
    };
    expect(await entries()).toEqual(['a=4', 'b=null']);
    now += 25 * HOUR;
    await expect.poll(entries, PATIENCE).toEqual(['a=4']);
  });

  test('refuses more when too much waits for the disk, and takes it again afterwards', async () => {
    const log = await open({ maxWaitingBytes: 1000 });
    await log.createTopics([topic]);
    const large = { key: 'k', value: Buffer.alloc(900) };
    const first = log.produce('t', [large]);
    await expect(log.produce('t', [large])).rejects.toThrow(LogUnavailableError);
    await first;
    expect(await log.produce('t', [large])).toEqual([{ partition: 0, offset: 1 }]);
  });

  test('does not open a file of another format', async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'log.sqlite'), 'SQLite format 3\0 but not really'.padEnd(4096, 'x'));
    await expect(open()).rejects.toThrow();
  });

  // Needs a file system of its own, which only root may mount.
  test.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)(
    'says that it is unavailable while the disk is full, loses nothing, and goes on when there is room',
    async () => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder]);
      try {
        const log = await open();
        await log.createTopics([topic]);
        const filler = join(folder, 'filler');
        expect(() => writeFileSync(filler, Buffer.alloc(8 << 20))).toThrow('ENOSPC');
        const offsets: number[] = [];
        // What SQLite has of its files already still takes some.
        const fill = async () => {
          for (let n = 0; n < 1000; n++) {
            const [produced] = await log.produce('t', [{ key: 'k', value: Buffer.alloc(100_000) }]);
            offsets.push(produced!.offset);
          }
        };
        await expect(fill()).rejects.toThrow(LogUnavailableError);
        await expect(fill()).rejects.toThrow(LogUnavailableError);
        rmSync(filler);
        offsets.push((await log.produce('t', [record('after')]))[0]!.offset);
        const read: number[] = [];
        await log.follow({
          topic: 't',
          from: new Map([[0, 0]]),
          onBatch: async ({ records }) => void read.push(...records.map(({ offset }) => offset)),
        });
        await expect.poll(() => read, PATIENCE).toEqual(offsets);
        await log.close();
      } finally {
        execFileSync('umount', ['-l', folder]);
      }
    },
  );
});

const topic: TopicDefinition = {
  name: 't',
  partitions: 1,
  kind: 'events',
  retentionMs: undefined,
  retentionBytes: undefined,
  maxMessageBytes: 1 << 20,
  replication: 1,
  owner: 'test',
};

function record(key: string, value = key) {
  return { key, value: Buffer.from(value) };
}
