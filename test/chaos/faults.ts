/** The faults: what each does to the deployment, and how it ends. When one returns the fault is over and the system is up. */
import { execFileSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, readdirSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosDeployment } from './deployment.ts';
import type { FaultName, PlannedFault } from './schedule.ts';

const DELAY_MS = 150;
/** A disk that is about to die: some hundred milliseconds for every sync. */
const SLOW_WRITES_PER_SECOND = 20;
const DAMAGED_BYTES = 4096;
/** Left by what is only reserved, for the last bytes to be fought for. */
const KEPT_FOR_WRITING = 8 << 20;

/** What this machine can do; the rest is left out of the schedule, and named in the report. */
export function availableFaults(deployment: ChaosDeployment): FaultName[] {
  const always: FaultName[] = ['kill', 'terminate', 'freeze', 'cut', 'delay', 'corrupt-journal'];
  return [
    ...always,
    ...(deployment.disk.isLimited ? (['disk-full'] as const) : []),
    ...(deployment.disk.slow === undefined ? [] : (['slow-disk'] as const)),
    ...(deployment.kafka === undefined ? [] : (['broker-loss'] as const)),
    ...(fakeTimeLibrary() === undefined ? [] : (['clock-jump'] as const)),
  ];
}

export async function strike(deployment: ChaosDeployment, planned: PlannedFault): Promise<void> {
  switch (planned.fault) {
    case 'kill':
      await deployment.kill();
      await sleep(planned.durationMs / 4);
      return deployment.start();
    case 'terminate':
      await deployment.terminate();
      return deployment.start();
    case 'freeze':
      return during(
        planned,
        () => signal(deployment, 'SIGSTOP'),
        () => signal(deployment, 'SIGCONT'),
      );
    case 'cut':
      return during(
        planned,
        () => deployment.proxy.cut(),
        () => deployment.proxy.mend(),
      );
    case 'delay':
      return during(
        planned,
        () => deployment.proxy.delay(DELAY_MS),
        () => deployment.proxy.mend(),
      );
    case 'disk-full':
      return fillDisk(deployment, planned);
    case 'slow-disk':
      return during(
        planned,
        () => deployment.disk.slow!(deployment.pid, SLOW_WRITES_PER_SECOND),
        () => deployment.disk.mend(),
      );
    case 'broker-loss': {
      const broker = deployment.kafka!.brokers[0]!;
      await broker.kill();
      await sleep(planned.durationMs);
      return broker.start();
    }
    case 'corrupt-journal':
      await deployment.kill();
      damageJournal(join(deployment.data, 'firehose', 'journal'), planned.choice);
      return deployment.start();
    case 'clock-jump':
      return jumpClock(deployment, planned);
  }
}

async function during(planned: PlannedFault, begin: () => void, end: () => void): Promise<void> {
  begin();
  await sleep(planned.durationMs);
  end();
}

/** The whole process group: inference processes freeze with their parent. */
function signal(deployment: ChaosDeployment, name: 'SIGSTOP' | 'SIGCONT'): void {
  process.kill(-deployment.pid, name);
}

async function fillDisk(deployment: ChaosDeployment, planned: PlannedFault): Promise<void> {
  const ballast = join(deployment.data, 'ballast');
  const until = performance.now() + planned.durationMs;
  // Appending: what was reserved stands before what is written.
  const file = openSync(ballast, 'a');
  const block = Buffer.alloc(1 << 20, 1);
  try {
    // Again and again: what is freed meanwhile is taken as well.
    while (performance.now() < until) {
      reserve(ballast);
      writeUntilFull(file, block);
      await sleep(50);
    }
  } finally {
    closeSync(file);
    rmSync(ballast);
  }
}

/** Takes nearly all that is free without writing it, where there is a tool for that. */
function reserve(ballast: string): void {
  const { bavail, bsize } = statfsSync(ballast);
  const bytes = statSync(ballast).size + bavail * bsize - KEPT_FOR_WRITING;
  try {
    if (bytes > 0) execFileSync('fallocate', ['-l', String(bytes), ballast], { stdio: 'ignore' });
  } catch {
    // Then it is written.
  }
}

function writeUntilFull(file: number, block: Buffer): void {
  try {
    while (true) writeSync(file, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/** Overwrites a page within the largest file of one partition's journal. */
function damageJournal(folder: string, choice: number): void {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => /\.(db|sqlite3?)$/.test(path) && statSync(path).size > 2 * DAMAGED_BYTES)
    .sort();
  const path = files[Math.floor(choice * files.length)];
  if (path === undefined) throw new Error(`there is no journal to damage in ${folder}`);
  const pages = Math.floor(statSync(path).size / DAMAGED_BYTES);
  const file = openSync(path, 'r+');
  writeSync(
    file,
    Buffer.alloc(DAMAGED_BYTES, 0xa5),
    0,
    DAMAGED_BYTES,
    Math.max(1, Math.floor(choice * pages)) * DAMAGED_BYTES,
  );
  fsyncSync(file);
  closeSync(file);
}

/** Restarts under a clock that is off by up to an hour either way, then under the right one. */
async function jumpClock(deployment: ChaosDeployment, planned: PlannedFault): Promise<void> {
  const offset = Math.round((planned.choice - 0.5) * 7200);
  await deployment.terminate();
  await deployment.start({
    LD_PRELOAD: fakeTimeLibrary()!,
    FAKETIME: `${offset >= 0 ? '+' : ''}${offset}`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  });
  await sleep(planned.durationMs);
  await deployment.terminate();
  await deployment.start({});
}

function fakeTimeLibrary(): string | undefined {
  try {
    const found = execFileSync('find', ['/usr/lib', '-name', 'libfaketimeMT.so.1'], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    return found.split('\n').find((line) => line !== '');
  } catch {
    return undefined;
  }
}
