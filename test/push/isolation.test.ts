/**
 * Receivers that hang, trickle and reset slow neither another receiver nor the firehose: the same work is measured with and without
 * them, by turns, in one `sluice up`, where everything shares an event loop.
 *
 * What is compared is far apart on any machine. A dead receiver keeps a request for two seconds; if those requests were in the
 * way of others, a round would take minutes where it takes about a second, or some seconds more on a machine that stalls.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newSecret } from '../../protocol/webhook/sealing.ts';
import type { Behaviour, ReceivedRequest } from '../../push/testing/behaviour.ts';
import { type Deployment, openDeployment } from '../../push/testing/deployment.ts';
import { acceptedOffsets, type Receiver, startReceiver } from '../../push/testing/receiver.ts';
import { readFirehose } from '../harness/firehose-reader.ts';
import { type SluiceProcess, startSluice } from '../harness/sluice-process.ts';

const TIMEOUT_MS = 2_000;
const CONFIG = {
  push: {
    allowLoopback: true,
    requestTimeoutMs: TIMEOUT_MS,
    retryScheduleMs: Array(1000).fill(50),
    breaker: { openMs: 100, maxOpenMs: 200 },
    // Fewer than the dead receivers would take if they were let.
    concurrency: { shared: 16 },
  },
  vision: { synthetic: { enabled: true } },
};
const DYING: readonly Behaviour[] = [{ kind: 'hang' }, { kind: 'drip' }, { kind: 'reset' }];
const DEAD = 12;
const BACKLOG = 50;
const MESSAGES = 300;
const ROUNDS = 3;
const STALLS_MS = 10_000;
const WAIT_MS = 120_000;

interface Client {
  readonly name: string;
  readonly path: string;
  readonly token: string;
}

let folder: string;
let deployment: Deployment;
let receiver: Receiver;
let sluice: SluiceProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-isolation-'));
  [deployment, receiver] = await Promise.all([openDeployment(folder), startReceiver()]);
  await writeFile(join(folder, 'config.json'), JSON.stringify(CONFIG));
  sluice = await startSluice(['up', '--config', join(folder, 'config.json'), '--data', folder, '--port', '0']);
}, 300_000);
afterAll(async () => {
  await sluice?.kill();
  await receiver?.stop();
  await deployment?.remove();
  await rm(folder, { recursive: true, force: true });
});

async function newClient(prefix: string): Promise<Client> {
  const name = `${prefix}-${randomUUID()}`;
  const path = `/${name}`;
  return { name, path, token: await deployment.token(name, { url: receiver.http + path, secrets: [newSecret()] }) };
}

async function produce({ name, token }: Client, count: number, transactions: number): Promise<number[]> {
  const names = Array.from({ length: count }, (_, i) => `t${i % transactions}`);
  return (await deployment.produce(name, token, names)).map(({ offset }) => offset);
}

/** How long the same messages take to the receiver and to a reader of the firehose, ms. */
async function round(live: Client): Promise<{ readonly pushed: number; readonly streamed: number }> {
  const before = (await receiver.received(live.path)).length;
  const began = performance.now();
  const last = (await produce(live, MESSAGES, 10)).at(-1)!;
  const took = () => performance.now() - began;
  const [pushed, streamed] = await Promise.all([
    receiver.until(live.path, (all) => all.length >= before + MESSAGES, WAIT_MS).then(took),
    readFirehose(sluice.url, live.token, (all) => all.at(-1)!.offset >= last, WAIT_MS).then(took),
  ]);
  return { pushed, streamed };
}

const failures = (requests: readonly ReceivedRequest[]) => requests.filter(({ accepted }) => !accepted).length;
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

test('receivers that hang, trickle and reset slow neither another nor the firehose', { timeout: 400_000 }, async () => {
  const live = await newClient('live');
  const dead = await Promise.all(Array.from({ length: DEAD }, (_, i) => newClient(`dead-${i}`)));
  await round(live);
  const calm: { pushed: number; streamed: number }[] = [];
  const troubled: typeof calm = [];
  for (let i = 0; i < ROUNDS; i++) {
    calm.push(await round(live));
    for (const [n, { path }] of dead.entries()) receiver.behave(path, DYING[n % DYING.length]!);
    const tried = await Promise.all(dead.map(async ({ path }) => failures(await receiver.received(path))));
    for (const client of dead) await produce(client, BACKLOG, BACKLOG);
    // All of them are being tried before it counts.
    for (const [n, { path }] of dead.entries()) await receiver.until(path, (all) => failures(all) > tried[n]!, WAIT_MS);
    troubled.push(await round(live));
    for (const { path } of dead) expect(new Set(acceptedOffsets(await receiver.received(path))).size).toBe(i * BACKLOG);
    for (const { path } of dead) receiver.behave(path, { kind: 'accept' });
    for (const { path } of dead)
      await receiver.until(path, (all) => new Set(acceptedOffsets(all)).size === (i + 1) * BACKLOG, WAIT_MS);
  }
  const medians = (way: 'pushed' | 'streamed') => [calm, troubled].map((rounds) => median(rounds.map((it) => it[way])));
  const [calmPush, troubledPush] = medians('pushed') as [number, number];
  const [calmStream, troubledStream] = medians('streamed') as [number, number];
  process.stderr.write(
    `pushed in ${calmPush.toFixed()} ms, beside ${DEAD} dead receivers in ${troubledPush.toFixed()} ms; ` +
      `streamed in ${calmStream.toFixed()} ms and ${troubledStream.toFixed()} ms\n`,
  );
  expect(troubledPush).toBeLessThan(4 * calmPush + STALLS_MS);
  expect(troubledStream).toBeLessThan(4 * calmStream + STALLS_MS);
});
