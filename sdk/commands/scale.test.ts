/** `sluice scale --advise` as it is run, beside a real log whose lag rises and falls with the load and with the advice. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Log } from '../../protocol/log/log.ts';
import { openLog } from '../../protocol/log/open.ts';
import { INGEST_TOPIC, topicDefinitions } from '../../protocol/log/topics.ts';

const SLUICE = fileURLToPath(new URL('../../sluice.ts', import.meta.url));
const HOUR = 3_600_000;
const GROUP = 'vision-test-1.0';
/** Records a second that one replica does. */
const REPLICA_RATE = 20;
const [LOW, HIGH] = [10, 80];

interface Look {
  readonly lag: number;
  readonly running: number;
  readonly replicas: number;
  readonly reason: string;
}

let folder: string;
let log: Log;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-scale-'));
  log = await openLog({ kind: 'embedded', folder: join(folder, 'log') });
  const retention = { resultsRetentionMs: HOUR, ingestRetentionMs: HOUR };
  await log.createTopics(
    topicDefinitions({ partitions: 8, replication: 1, maxImageMessageBytes: 1 << 20, ...retention }),
  );
});
afterEach(async () => {
  await log.close();
  rmSync(folder, { recursive: true, force: true });
});

function scale(...args: string[]): ChildProcess {
  const fixed = ['--advise', '--group', GROUP, '--topic', INGEST_TOPIC, '--data', folder, '--log-level', 'warn'];
  return spawn(process.execPath, [SLUICE, 'scale', ...fixed, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

test('replicas follow a load that rises and falls: more at once, less after a while, no to and fro, and no backlog stays', {
  timeout: 120_000,
}, async () => {
  let replicas = 1;
  let [arriving, producing] = [LOW, true];
  const consumer = await log.subscribe({
    group: GROUP,
    topics: [INGEST_TOPIC],
    // As slow as so many replicas would be.
    maxBatchRecords: 2,
    onBatch: async ({ records }) => {
      await sleep((records.length * 1000 * 8) / (REPLICA_RATE * replicas));
    },
  });
  const producer = (async () => {
    const began = performance.now();
    for (let [sent, due, last] = [0, 0, began]; producing; last += 50) {
      due += (arriving * 50) / 1000;
      const records = Array.from({ length: Math.floor(due) - sent }, (_, index) => ({
        key: `t-${sent + index}`,
        value: Buffer.from('x'),
      }));
      sent += records.length;
      if (records.length > 0) await log.produce(INGEST_TOPIC, records);
      await sleep(Math.max(0, last + 50 - performance.now()));
    }
  })();
  const looks: Look[] = [];
  const command = scale('--replicas', '1', '--interval', '0.5', '--drain-within', '3', '--down-after', '4', '--watch');
  createInterface({ input: command.stdout! }).on('line', (line) => {
    const look: Look = JSON.parse(line);
    looks.push(look);
    replicas = look.replicas;
  });
  const patience = { timeout: 50_000, interval: 100 };
  const latest = () => looks.at(-1);

  await expect.poll(() => looks.length, patience).toBeGreaterThan(3);
  arriving = HIGH;
  await expect.poll(() => replicas, patience).toBeGreaterThanOrEqual(4);
  await expect.poll(() => latest()!.lag, patience).toBeLessThan(HIGH);
  arriving = LOW;
  await expect.poll(() => replicas, patience).toBeLessThanOrEqual(2);
  await expect.poll(() => latest()!.lag, patience).toBeLessThan(HIGH);
  producing = false;
  await producer;
  const exited = once(command, 'exit');
  command.kill('SIGTERM');
  expect((await exited)[0]).toBe(0);
  await consumer.close();

  const turns = looks.filter((look) => look.replicas !== look.running).map((look) => look.replicas > look.running);
  const reversals = turns.filter((up, index) => index > 0 && up !== turns[index - 1]).length;
  // Up with the load, perhaps down when its backlog is gone, and down with the load.
  expect(reversals, JSON.stringify(looks)).toBeLessThanOrEqual(1);
});

test('a scheduled job remembers between its runs what it has learnt', { timeout: 180_000 }, async () => {
  const state = join(folder, 'state.json');
  const values = async (count: number) =>
    log.produce(
      INGEST_TOPIC,
      Array.from({ length: count }, (_, index) => ({ key: `t-${index}`, value: Buffer.from('x') })),
    );
  const once_ = async () => {
    const command = scale(
      '--replicas',
      '1',
      '--interval',
      '0.2',
      '--rate',
      '1',
      '--drain-within',
      '10',
      '--state',
      state,
    );
    const lines: Look[] = [];
    createInterface({ input: command.stdout! }).on('line', (line) => lines.push(JSON.parse(line)));
    const [code] = await once(command, 'close');
    expect(code).toBe(0);
    return lines;
  };
  await values(1);
  expect((await once_()).map(({ reason }) => reason)).toEqual(['learning', 'steady']);
  await values(39);
  // A second run needs one look only: 40 records in 10 s at 0.8 a second each, and what has just come.
  const second = await once_();
  expect(second).toMatchObject([{ lag: 40, running: 1, reason: 'more' }]);
  expect(second[0]!.replicas).toBeGreaterThanOrEqual(5);
});

test('what is no advice that can be given is refused', { timeout: 180_000 }, async () => {
  for (const args of [
    ['--replicas', 'many'],
    ['--replicas', '1', '--down-after', '0'],
  ]) {
    const [code] = await once(scale(...args), 'close');
    expect(code).toBe(2);
  }
});
