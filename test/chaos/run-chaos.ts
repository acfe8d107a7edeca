/**
 * One chaos run: clients under load, faults by schedule, and the proof from the clients' side. Every image that was
 * accepted is on its client's firehose, finished by every service, exactly once, in one unbroken chain.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { fixedToken } from '../../loadtest/load/client-tokens.ts';
import { LoadClient } from '../../loadtest/load/load-client.ts';
import { type SeenMessage, StreamChecker } from '../../loadtest/load/stream-checker.ts';
import { readFirehose } from '../harness/firehose-reader.ts';
import { ChaosDeployment, type ChaosLog } from './deployment.ts';
import { availableFaults, strike } from './faults.ts';
import { FAULTS, type FaultName, type PlannedFault, planFaults } from './schedule.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** Planned time of faults and pauses; starting, recovering and the proof come on top. */
  readonly seconds: number;
  /** Only these, of those that the machine can do. */
  readonly faults?: readonly FaultName[];
  /** Default: embedded. */
  readonly log?: ChaosLog;
  readonly say: (line: string) => void;
  /** Ends the run early, after the fault that is under way; what was promised is proven all the same. */
  readonly signal?: AbortSignal;
}

export interface ChaosReport {
  readonly seed: number;
  readonly faults: readonly { readonly fault: FaultName; readonly recoveryMs: number }[];
  /** Faults that this machine cannot do. */
  readonly without: readonly FaultName[];
  readonly accepted: number;
  readonly refusedOrFailed: number;
  readonly messages: number;
  /** What broke a promise; empty when all were kept. */
  readonly findings: readonly string[];
}

/** Names of clients, and the colours of their images. */
const CLIENTS = ['azure', 'beige', 'coral'];
const SUBMIT_EVERY_MS = 60;
const IMAGES_PER_TRANSACTION = 5;
/** A node that rebuilds a journal or starts on a busy machine takes its time; longer than this is a finding. */
const RECOVERY_LIMIT_MS = 120_000;
const FINISH_LIMIT_MS = 120_000;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-chaos-'));
  const deployment = await ChaosDeployment.open(folder, options.log ?? 'embedded', options.seconds);
  const stop = new AbortController();
  let clients: ChaosClient[] = [];
  try {
    const able = availableFaults(deployment);
    const chosen = able.filter((fault) => options.faults?.includes(fault) ?? true);
    const plan = planFaults(options.seed, chosen, options.seconds);
    clients = await Promise.all(CLIENTS.map((name) => openClient(deployment, name)));
    const load = clients.map((client) => putLoad(client, stop.signal));
    const findings: string[] = [];
    const faults: { fault: FaultName; recoveryMs: number }[] = [];
    const survived = await strikeAll(deployment, clients, plan, { options, faults, findings });
    stop.abort();
    await Promise.all(load);
    if (survived) {
      await finished(clients, findings);
      for (const client of clients) findings.push(...(await prove(deployment, client)));
    }
    const sum = (of: (client: LoadClient) => number) => clients.reduce((total, { load }) => total + of(load), 0);
    return {
      seed: options.seed,
      faults,
      without: FAULTS.filter((fault) => !able.includes(fault)),
      accepted: sum(({ counts }) => counts.accepted),
      refusedOrFailed: sum(({ counts }) => counts.refused + counts.failed),
      messages: sum(({ checker }) => checker.messages),
      findings,
    };
  } finally {
    stop.abort();
    await Promise.all(clients.map(({ load }) => load.close()));
    await deployment.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Told {
  readonly options: ChaosOptions;
  readonly faults: { fault: FaultName; recoveryMs: number }[];
  readonly findings: string[];
}

interface ChaosClient {
  readonly name: string;
  readonly token: string;
  readonly load: LoadClient;
}

async function openClient(deployment: ChaosDeployment, name: string): Promise<ChaosClient> {
  const token = deployment.token(name);
  // Small: the disk is to be filled by the fault that fills it, not by the load.
  const image = await sharp({ create: { width: 32, height: 32, channels: 3, background: name } })
    .jpeg()
    .toBuffer();
  const options = {
    url: deployment.proxy.url,
    token: fixedToken(token),
    image,
    mediaType: 'image/jpeg',
    now: () => performance.now(),
  };
  return { name, token, load: await LoadClient.open(options) };
}

async function putLoad({ name, load }: ChaosClient, signal: AbortSignal): Promise<void> {
  for (let sent = 0; !signal.aborted; sent++) {
    const transaction = `${name}-${Math.floor(sent / IMAGES_PER_TRANSACTION)}`;
    await load.submitSurely(transaction, `${name}-${sent}`, signal);
    await sleep(SUBMIT_EVERY_MS);
  }
}

/** @returns whether there is a system left that can be asked for what it promised */
async function strikeAll(
  deployment: ChaosDeployment,
  clients: readonly ChaosClient[],
  plan: readonly PlannedFault[],
  { options, faults, findings }: Told,
): Promise<boolean> {
  for (const planned of plan) {
    if (options.signal?.aborted) break;
    try {
      faults.push(await oneFault(deployment, clients, planned, findings, options.say));
    } catch (error) {
      findings.push(`not started again after ${planned.fault}: ${error}`);
      return false;
    }
  }
  return true;
}

async function oneFault(
  deployment: ChaosDeployment,
  clients: readonly ChaosClient[],
  planned: PlannedFault,
  findings: string[],
  say: (line: string) => void,
): Promise<{ fault: FaultName; recoveryMs: number }> {
  await sleep(planned.pauseMs);
  say(`${planned.fault} for ${planned.durationMs} ms`);
  await strike(deployment, planned);
  const over = performance.now();
  if (!deployment.isAlive()) {
    findings.push(`the process died of ${planned.fault}: ${deployment.stderr().slice(-2000)}`);
    await deployment.start();
  }
  // Recovered when every client sees an image through that was not finished when the fault was over.
  const before = clients.map(({ load }) => load.checker.finishedImages);
  const recovered = () => clients.every(({ load }, index) => load.checker.finishedImages > before[index]!);
  while (!recovered() && performance.now() - over < RECOVERY_LIMIT_MS) await sleep(20);
  const recoveryMs = Math.round(performance.now() - over);
  if (!recovered())
    findings.push(`not recovered ${recoveryMs} ms after ${planned.fault}: ${await deployment.diagnosis()}`);
  say(`  recovered after ${recoveryMs} ms`);
  return { fault: planned.fault, recoveryMs };
}

async function finished(clients: readonly ChaosClient[], findings: string[]): Promise<void> {
  const until = performance.now() + FINISH_LIMIT_MS;
  const done = () => clients.every(({ load: { checker } }) => checker.finishedImages >= checker.acceptedImages);
  while (!done() && performance.now() < until) await sleep(20);
  for (const { name, load } of clients)
    for (const { kind, detail } of load.checker.findings(true))
      findings.push(`${name}, reading along: ${kind}: ${detail}`);
}

/** Reads the whole stream once more, as one who was never there: it must be what was read along, to the message. */
async function prove(deployment: ChaosDeployment, { name, token, load }: ChaosClient): Promise<string[]> {
  // As of now: a late summary may still come.
  const { messages: expected, position } = load.checker;
  const enough = (read: readonly unknown[]) => read.length >= expected;
  const messages = (await readFirehose(deployment.proxy.url, token, enough, FINISH_LIMIT_MS)).slice(0, expected);
  const again = new StreamChecker(-1);
  for (const message of messages) again.saw(message as SeenMessage, 0);
  const findings = again.findings(true).map(({ kind, detail }) => `${name}, from the beginning: ${kind}: ${detail}`);
  if (messages.length !== expected)
    findings.push(`${name}: ${expected} messages were read along, ${messages.length} from the beginning`);
  if (again.position !== position)
    findings.push(`${name}: read along to ${position}, from the beginning to ${again.position}`);
  return findings;
}
