/**
 * Push is killed at random moments under load. What its receivers got in the end is what was produced: nothing lost, each
 * transaction in order, and repeated at most what had been pushed since it was last stored how far it had got.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { newSecret } from '../protocol/webhook/sealing.ts';
import type { ReceivedRequest } from './testing/behaviour.ts';
import { type Deployment, openDeployment } from './testing/deployment.ts';
import { type Receiver, startReceiver } from './testing/receiver.ts';

const PROGRAM = fileURLToPath(new URL('./testing/push-program.ts', import.meta.url));
const GROUP = 100;
const MOST_AT_ONCE = 8;
const CONFIG = {
  allowLoopback: true,
  // So long that only the number of messages brings it about: then that is the bound on what is repeated.
  groupMs: 60_000,
  groupMessages: GROUP,
  retryScheduleMs: Array(20).fill(50),
  concurrency: { most: MOST_AT_ONCE },
  breaker: { openMs: 50, maxOpenMs: 100 },
};
const LOAD_MS = 6_000;
const KILLS = 4;
const PER_ROUND = 15;

let deployment: Deployment;
let receiver: Receiver;
let push: ChildProcess | undefined;

beforeAll(async () => {
  [deployment, receiver] = await Promise.all([openDeployment(), startReceiver()]);
});
// It has the journals to itself: another try's could not start beside it.
afterEach(async () => {
  if (push === undefined || push.exitCode !== null || push.signalCode !== null) return;
  push.kill('SIGKILL');
  await once(push, 'exit');
});
afterAll(async () => {
  await receiver.stop();
  await deployment.remove();
});

async function startPushProcess(): Promise<ChildProcess> {
  const child = fork(PROGRAM, [deployment.folder, JSON.stringify(CONFIG)], { execPath: process.execPath });
  await once(child, 'message');
  return child;
}

interface Load {
  readonly path: string;
  readonly token: string;
  readonly client: string;
  readonly produced: { offset: number; transaction: string }[];
}

async function openLoad(client: string): Promise<Load> {
  const path = `/${client}`;
  const secrets = [newSecret()];
  receiver.expectSecrets(path, secrets);
  const token = await deployment.token(client, { url: receiver.http + path, secrets });
  return { path, client, token, produced: [] };
}

async function produce(load: Load, round: number): Promise<void> {
  const transactions = Array.from({ length: PER_ROUND }, (_, i) => `t${(round + i) % 7}`);
  const records = await deployment.produce(load.client, load.token, transactions);
  for (const [i, { offset }] of records.entries()) load.produced.push({ offset, transaction: transactions[i]! });
}

function check(load: Load, requests: readonly ReceivedRequest[]): { repeated: number } {
  const accepted = requests.filter((request) => request.accepted).map(({ body }) => body);
  const first = new Map<number, string>();
  for (const { offset, transaction } of accepted) if (!first.has(offset)) first.set(offset, transaction);
  expect([...first.keys()].sort((a, b) => a - b)).toEqual(load.produced.map(({ offset }) => offset));
  const latest = new Map<string, number>();
  for (const [offset, transaction] of first) {
    expect(offset, `${transaction} out of order`).toBeGreaterThan(latest.get(transaction) ?? -1);
    latest.set(transaction, offset);
  }
  expect(requests.every(({ signed }) => signed)).toBe(true);
  return { repeated: accepted.length - first.size };
}

test('delivered is what was produced, in order, repeated at most by the group', { timeout: 300_000 }, async () => {
  const loads = await Promise.all(['ada', 'bob', 'cyd'].map((name) => openLoad(`${name}-${randomUUID()}`)));
  const [ada, bob, cyd] = loads as [Load, Load, Load];
  receiver.behave(bob.path, { kind: 'accept', delayMs: 3 });
  receiver.behave(cyd.path, { kind: 'fail-first', times: 20 });
  const end = Date.now() + LOAD_MS;
  const producing = (async () => {
    for (let round = 0; Date.now() < end; round++) {
      for (const load of loads) await produce(load, round);
      await sleep(40);
    }
  })();
  let kills = 0;
  for (; kills < KILLS; kills++) {
    push = await startPushProcess();
    await sleep(Math.random() * 1500);
    push.kill('SIGKILL');
    await once(push, 'exit');
  }
  await producing;
  push = await startPushProcess();
  let repeated = 0;
  let produced = 0;
  for (const load of loads) {
    const all = await receiver.until(
      load.path,
      (requests) =>
        new Set(requests.filter((it) => it.accepted).map(({ body }) => body.offset)).size >= load.produced.length,
      120_000,
    );
    repeated += check(load, all).repeated;
    produced += load.produced.length;
  }
  expect(repeated).toBeLessThanOrEqual(kills * (GROUP + loads.length * MOST_AT_ONCE));
  process.stderr.write(`push: ${produced} produced, ${kills} kills, ${repeated} repeated\n`);

  // Told to stop, it stores where it is: the next one repeats nothing.
  push.send('stop');
  await once(push, 'exit');
  const before = await receiver.received(ada.path);
  push = await startPushProcess();
  await produce(ada, 0);
  const after = await receiver.until(ada.path, (requests) => requests.length >= before.length + PER_ROUND);
  expect(after.length).toBe(before.length + PER_ROUND);
});
