/** `sluice scale --advise`: how many replicas a consumer group needs, as one line of JSON per look. Changes nothing. */
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import type { Log } from '../../protocol/log/log.ts';
import {
  adviseScale,
  DEFAULT_POLICY,
  NOTHING_KNOWN,
  type Observation,
  type ScalingPolicy,
  type ScalingState,
} from '../../protocol/scale/advise.ts';
import { UsageError } from './errors.ts';
import { addSettings, settingsOf } from './settings.ts';
import { withLog } from './with-log.ts';

interface ScaleOptions {
  readonly advise?: boolean;
  readonly group: string;
  readonly topic: string;
  readonly replicas: string;
  readonly rate?: string;
  readonly max?: string;
  readonly interval: string;
  readonly drainWithin: string;
  readonly downAfter: string;
  readonly watch?: boolean;
  readonly state?: string;
}

export function scaleCommand(): Command {
  const command = new Command('scale')
    .description('How many replicas a consumer group needs, from its lag')
    .option('--advise', 'Say it, one line of JSON per look; scaling itself is for whoever runs the replicas')
    .requiredOption('--group <name>', 'The group, such as vision-ocr-1.0')
    .requiredOption('--topic <name>', 'The topic that it consumes, such as ingest-1')
    .requiredOption('--replicas <n>', 'How many run now; with --watch the advice is taken as followed')
    .option('--rate <records>', 'Records per second of one replica; learnt while the group is behind otherwise')
    .option('--max <n>', 'Most replicas; the number of partitions otherwise')
    .option('--interval <seconds>', 'Between two looks', '15')
    .option(
      '--drain-within <seconds>',
      'A backlog is to be gone within this time',
      String(DEFAULT_POLICY.drainMs / 1000),
    )
    .option(
      '--down-after <seconds>',
      'How long less must have been enough before less is advised',
      String(DEFAULT_POLICY.downAfterMs / 1000),
    )
    .option('--watch', 'Go on until stopped')
    .option('--state <file>', 'Where what was learnt is kept between two runs, as for a scheduled job');
  return addSettings(command).action(async () => {
    const options = command.opts<ScaleOptions>();
    if (!options.advise) throw new UsageError('scale only gives advice: say --advise');
    await withLog(await settingsOf(command), (log) => advise(log, options));
  });
}

async function advise(log: Log, options: ScaleOptions): Promise<void> {
  const { group, topic } = options;
  const intervalMs = positive('--interval', options.interval) * 1000;
  const policy = await policyOf(log, options);
  const stop = stopSignal();
  let state = await readState(options.state);
  let replicas = positive('--replicas', options.replicas);
  // A first look knows no rates: one that nothing was kept for is followed by a second.
  for (let looks = state.last === undefined ? 2 : 1; (looks > 0 || options.watch) && !stop.aborted; looks--) {
    const seen = await observe(log, group, topic, replicas);
    const next = adviseScale(policy, state, seen);
    state = next.state;
    const look = { time: new Date(seen.time), group, topic, lag: seen.lag, running: replicas };
    process.stdout.write(`${JSON.stringify({ ...look, ...next.advice })}\n`);
    if (options.state !== undefined) await writeFile(options.state, JSON.stringify(state));
    if (options.watch) replicas = next.advice.replicas;
    if (looks > 1 || options.watch) await sleep(intervalMs, undefined, { signal: stop }).catch(() => {});
  }
}

async function observe(log: Log, group: string, topic: string, replicas: number): Promise<Observation> {
  const partitions = await log.lag(group, topic);
  const sum = (of: (partition: (typeof partitions)[number]) => number) =>
    partitions.reduce((total, partition) => total + of(partition), 0);
  return {
    time: Date.now(),
    replicas,
    produced: sum(({ end }) => end),
    committed: sum(({ committed, earliest }) => committed ?? earliest),
    lag: sum(({ lag }) => lag),
    partitions: partitions.length,
    waiting: partitions.filter(({ lag }) => lag > 0).length,
  };
}

async function policyOf(log: Log, { topic, max, rate, drainWithin, downAfter }: ScaleOptions): Promise<ScalingPolicy> {
  const partitions = (await log.watermarks(topic)).length;
  return {
    ...DEFAULT_POLICY,
    drainMs: positive('--drain-within', drainWithin) * 1000,
    downAfterMs: positive('--down-after', downAfter) * 1000,
    maxReplicas: max === undefined ? partitions : Math.min(partitions, positive('--max', max)),
    ...(rate !== undefined && { ratePerReplica: positive('--rate', rate) }),
  };
}

/** A watch ends well when it is told to. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

async function readState(path: string | undefined): Promise<ScalingState> {
  if (path === undefined) return NOTHING_KNOWN;
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NOTHING_KNOWN;
    throw error;
  }
}

/** @throws {UsageError} */
function positive(flag: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new UsageError(`${flag} is a number above 0, not '${text}'`);
  return value;
}
