/** `sluice demo`: the whole main job on the sample images, in one process, from submission to summary. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { loadConfig } from '../../protocol/config/load.ts';
import { type Client, createClient } from '../client/client.ts';
import { SluiceConfig } from './config.ts';
import { describe } from './describe.ts';
import { createLogger } from './logger.ts';
import { mintFor } from './mint.ts';
import { ROLES } from './role-names.ts';

const SAMPLES = new URL('../../vision/samples/', import.meta.url);
const TRANSACTION = 'demo';
const TIMEOUT_MS = 180_000;

export function demoCommand(): Command {
  return new Command('demo')
    .description('Start everything on a temporary data folder, submit the sample images, print the firehose and end')
    .action(run);
}

async function run(): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), 'sluice-demo-'));
  const config = loadConfig(SluiceConfig, { flags: { data, port: '0', 'log-level': 'warn' }, environment: {} });
  say('starting all roles on the embedded log, loading models …');
  const { startRoles } = await import('./start-roles.ts');
  const sluice = await startRoles(ROLES, config, createLogger(config.logLevel));
  try {
    await sluice.ready;
    say(`ready ${sluice.url}`);
    const client = createClient({ url: sluice.url, token: await mintFor(data, 'demo', [], 3600) });
    const samples = await readSamples();
    const [outcome] = await Promise.all([watch(client, samples.length), submit(client, samples)]);
    say(outcome);
  } finally {
    await sluice.stop();
    await rm(data, { recursive: true });
  }
}

interface Sample {
  readonly name: string;
  readonly image: Uint8Array;
}

async function readSamples(): Promise<Sample[]> {
  const names = (await readdir(SAMPLES)).filter((name) => /\.(jpe?g|png|webp)$/.test(name)).sort();
  return Promise.all(names.map(async (name) => ({ name, image: await readFile(new URL(name, SAMPLES)) })));
}

async function submit(client: Client, samples: readonly Sample[]): Promise<void> {
  for (const { name, image } of samples) await client.submit({ transaction: TRANSACTION, image, name });
}

/** Prints messages until the summary covers every sample. @returns what to say at the end */
async function watch(client: Client, images: number): Promise<string> {
  const began = Date.now();
  const names = new Map<string, string>();
  const progress = { messages: 0, accepted: 0, expected: 0, done: 0 };
  for await (const message of client.firehose({ from: 'earliest', signal: AbortSignal.timeout(TIMEOUT_MS) })) {
    const { type, payload } = message;
    progress.messages += 1;
    if (type === 'ingest.v1m0.ImageAccepted') {
      names.set(payload.imageId, payload.name);
      progress.accepted += 1;
      progress.expected += payload.services.length;
    }
    const isDone = type === 'completion.v1m0.ServiceCompleted' || type === 'completion.v1m0.ServiceFailed';
    if (isDone) progress.done += 1;
    clearProgress();
    process.stdout.write(`${describe(message, (id) => names.get(id) ?? id)}\n`);
    // Where nobody watches the line change, it is printed only when a service has finished an image.
    if (process.stderr.isTTY || isDone) showProgress(progress, images);
    if (type === 'summary.v1m0.TransactionSummary' && payload.images.length === images) {
      clearProgress();
      const seconds = ((Date.now() - began) / 1000).toFixed(1);
      return `${images} images described in ${seconds} s: ${progress.messages} messages, every one of them on the firehose`;
    }
  }
  throw new Error(`the summary did not come within ${TIMEOUT_MS / 1000} s`);
}

function showProgress({ messages, accepted, expected, done }: Record<string, number>, images: number): void {
  const line = `${accepted} of ${images} images accepted, ${done} of ${expected} service runs done, ${messages} messages`;
  if (process.stderr.isTTY) process.stderr.write(line);
  else say(line);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
