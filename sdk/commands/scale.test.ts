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
const [LOW, HIGH] = [5, 80];
/** How long less must have been enough before less is advised. */
const DOWN_AFTER_SECONDS = 4;

interface Look {
  readonly time: string;
  readonly lag: number;
  readonly running: number;
  readonly replicas: number;
  readonly reason: string;
  readonly ratePerReplica?: number;
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

test('replicas follow a load that rises and falls: more at once, less only after a while, and no backlog stays', {
  timeout: 240_000,
}, async () => {
  let replicas = 1;
  let [arriving, producing] = [LOW, true];
  let busyUntil = 0;
  const consumer = await log.subscribe({
    group: GROUP,
    topics: [INGEST_TOPIC],
    maxBatchRecords: 2,
    // As slow as so many replicas would be, whichever partitions the work is in.
    onBatch: async ({ records }) => {
      const now = performance.now();
      busyUntil = Math.max(now, busyUntil) + (records.length * 1000) / (REPLICA_RATE * replicas);
      await sleep(busyUntil - now);
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
  const timing = ['--interval', '0.5', '--drain-within', '3', '--down-after', String(DOWN_AFTER_SECONDS)];
  const command = scale('--replicas', '1', ...timing, '--watch');
  createInterface({ input: command.stdout! }).on('line', (line) => {
    const look: Look = JSON.parse(line);
    looks.push(look);
    replicas = look.replicas;
  });
  const seen = (what: (look: Look) => boolean) => {
    const from = looks.length;
    return expect.poll(() => looks.slice(from).some(what)).toBe(true);
  };

  await seen(() => true);
  arriving = HIGH;
  await seen((look) => look.replicas >= 4);
  // A machine that stalled while the rate was learnt leaves a poor estimate, which the load is to put right.
  await seen((look) => look.lag < HIGH && look.ratePerReplica! > REPLICA_RATE / 4);
  arriving = LOW;
  await seen((look) => look.replicas <= 2);
  await seen((look) => look.lag < HIGH);
  producing = false;
  await producer;
  const exited = once(command, 'exit');
  command.kill('SIGTERM');
  expect((await exited)[0]).toBe(0);
  await consumer.close();

  let increased = Number.NEGATIVE_INFINITY;
  for (const look of looks) {
    const time = Date.parse(look.time);
    if (look.replicas > look.running) increased = time;
    if (look.replicas < look.running)
      expect(time - increased, JSON.stringify(looks)).toBeGreaterThanOrEqual(DOWN_AFTER_SECONDS * 1000);
  }
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
