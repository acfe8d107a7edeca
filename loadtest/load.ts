/**
 * `npm run load -- --url http://… --token …`: a load profile against any running deployment, checked from the clients'
 * side, with a verdict against stated objectives. JSON on stdout; ends with 1 when an objective was missed.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { positive, runProgram, UsageError } from './command-line.ts';
import { fixedToken } from './load/client-tokens.ts';
import { LoadClient } from './load/load-client.ts';
import { ALWAYS, checkObjectives, judge, parseObjective } from './load/objectives.ts';
import { dueBy, PROFILES, type ProfileName, SPIKE } from './load/profiles.ts';
import { Windows } from './load/windows.ts';
import { machineFacts } from './machine.ts';
import { quantile } from './statistics.ts';

interface Options {
  readonly url: string;
  readonly firehoseUrl?: string;
  readonly token: string[];
  readonly profile: ProfileName;
  readonly rate: number;
  readonly duration: number;
  readonly settle: number;
  readonly image: string;
  readonly objective: string[];
}

/** What objectives can be stated of. */
const MEASURES = [
  'accepted',
  'refused',
  'failed',
  'accepted_per_s',
  'messages',
  'unfinished',
  'findings',
  'p50_ms',
  'p99_ms',
  'max_ms',
  'growth',
  'recovery_s',
] as const;
type Measures = Readonly<Record<(typeof MEASURES)[number], number>>;

const TICK_MS = 20;
const collect = (value: string, before: string[]) => [...before, value];

const command = new Command('load')
  .description('Puts a load on a deployment and judges it from the side of its clients')
  .requiredOption('--url <url>', 'Where images go')
  .option('--firehose-url <url>', 'Where the firehose comes from, if elsewhere')
  .requiredOption('--token <token>', 'A client; repeat for several, among which the load is shared', collect, [])
  .addOption(new Option('--profile <name>', 'How the load runs over time').choices(PROFILES).default('soak'))
  .option('--rate <n>', 'Most images per second, over all clients', positive, 10)
  .option('--duration <seconds>', 'How long images are sent', positive, 60)
  .option('--settle <seconds>', 'How long to wait for the last results', positive, 60)
  .option('--image <file>', 'What is sent', 'vision/samples/card.jpg')
  .option('--objective <text>', `Such as p99_ms<=2000; repeat for several. Of ${MEASURES.join(', ')}`, collect, [])
  .action(load);

async function load(options: Options): Promise<void> {
  const objectives = [...ALWAYS, ...options.objective.map(objectiveOf)];
  const windows = new Windows(options.duration);
  const latencies: number[] = [];
  const image = await readFile(options.image);
  const mediaType = options.image.endsWith('.png') ? 'image/png' : 'image/jpeg';
  const { url, firehoseUrl } = options;
  let began = 0;
  const now = () => performance.now();
  const clients = await Promise.all(
    options.token.map((token) =>
      LoadClient.open({
        url,
        ...(firehoseUrl !== undefined && { firehoseUrl }),
        token: fixedToken(token),
        image,
        mediaType,
        now,
        onFinished({ latencyMs }) {
          latencies.push(latencyMs);
          windows.finished((now() - latencyMs - began) / 1000, latencyMs);
        },
      }),
    ),
  );
  began = now();
  const seconds = await send(clients, options, windows);
  await settled(clients, options.settle);
  const measures = summed(clients, latencies, windows, seconds);
  const verdicts = judge(objectives, measures);
  await Promise.all(clients.map((client) => client.close()));
  const { profile, rate, duration } = options;
  const run = { profile, rate, duration, clients: clients.length, machine: machineFacts() };
  process.stdout.write(`${JSON.stringify({ ...run, measures, windows: windows.all(), verdicts }, undefined, 2)}\n`);
  for (const { measure, bound, value, measured, met } of verdicts)
    process.stderr.write(`${measure} ${measured} ${bound} ${value}: ${met ? 'met' : 'MISSED'}\n`);
  if (verdicts.some(({ met }) => !met)) process.exitCode = 1;
}

/** @throws {UsageError} before anything is sent, not after the load has run */
function objectiveOf(text: string) {
  try {
    const objective = parseObjective(text);
    checkObjectives([objective], MEASURES);
    return objective;
  } catch (error) {
    throw new UsageError((error as TypeError).message, { cause: error });
  }
}

/** Sends what is due when it is due, without waiting for answers. @returns seconds that it took */
async function send(clients: readonly LoadClient[], options: Options, windows: Windows): Promise<number> {
  const began = performance.now();
  const run = Date.now().toString(36);
  const pending = new Set<Promise<unknown>>();
  const elapsed = () => (performance.now() - began) / 1000;
  let sent = 0;
  // To the very end: where this process was held up, what was due meanwhile is still sent.
  for (let until = 0; until < options.duration; ) {
    until = elapsed();
    const due = dueBy(options.profile, options.rate, options.duration, until);
    for (; sent < due; sent++) {
      const at = elapsed();
      windows.sent(at);
      const submission = clients[sent % clients.length]!.submit(`load-${run}-${sent}`, `load-${run}-${sent}`);
      pending.add(submission);
      submission.then((image) => {
        pending.delete(submission);
        if (image !== undefined) windows.accepted(at);
      });
    }
    await sleep(TICK_MS);
  }
  await Promise.all(pending);
  return elapsed();
}

async function settled(clients: readonly LoadClient[], seconds: number): Promise<void> {
  const until = performance.now() + seconds * 1000;
  const done = () => clients.every(({ checker }) => checker.finishedImages >= checker.acceptedImages);
  while (!done() && performance.now() < until) await sleep(TICK_MS);
}

function summed(
  clients: readonly LoadClient[],
  latencies: readonly number[],
  windows: Windows,
  seconds: number,
): Measures {
  const sum = (of: (client: LoadClient) => number) => clients.reduce((total, client) => total + of(client), 0);
  for (const { kind, detail } of clients.flatMap(({ checker }) => checker.findings(false)))
    process.stderr.write(`${kind}: ${detail}\n`);
  const finished = sum(({ checker }) => checker.finishedImages);
  return {
    accepted: sum(({ counts }) => counts.accepted),
    refused: sum(({ counts }) => counts.refused),
    failed: sum(({ counts }) => counts.failed),
    accepted_per_s: sum(({ counts }) => counts.accepted) / seconds,
    messages: sum(({ checker }) => checker.messages),
    unfinished: sum(({ checker }) => checker.acceptedImages) - finished,
    findings: sum(({ checker }) => checker.found),
    p50_ms: quantile(latencies, 0.5),
    p99_ms: quantile(latencies, 0.99),
    max_ms: quantile(latencies, 1),
    growth: windows.growth(),
    recovery_s: windows.recovery(SPIKE.from, SPIKE.to),
  };
}

await runProgram(command);
