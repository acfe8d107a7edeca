/** Push as its operator sees it: what it reports, and what happens where two processes want the same. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { expect, test, vi } from 'vitest';
import { Capacity } from '../protocol/generated/capacity/v1m0/capacity_pb.js';
import { readToEnd } from '../protocol/log/read-to-end.ts';
import { CAPACITY_TOPIC } from '../protocol/log/topics.ts';
import { startPush } from './main.ts';
import { acceptedOffsets, type Receiver } from './testing/receiver.ts';
import { pushConfig, pushOfFile, type RunningPush, runPush, sequence, WAIT } from './testing/running-push.ts';

let receiver: Receiver;
let push: RunningPush;

pushOfFile(
  (its, running) => {
    receiver = its;
    push = running;
  },
  { maxUnfinished: 100 },
);

async function reports(): Promise<Capacity[]> {
  const found: Capacity[] = [];
  await readToEnd(push.deployment.log, CAPACITY_TOPIC, ({ value }) => {
    if (value !== null) found.push(Capacity.fromBinary(value));
  });
  return found.filter(({ service }) => service === 'push');
}

async function metric(name: string): Promise<number> {
  const text = await push.deployment.context.metrics.getSingleMetricAsString(name);
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

test('a stuck endpoint counts for nothing in the lag by which gateways hold work back, and shows in the metrics', async () => {
  const client = await push.newClient();
  // Another try of this test may have left one.
  const full = await metric('sluice_push_full_endpoints');
  receiver.behave(client.path, { kind: 'hang' });
  await client.produce(sequence(300, 300));
  // Taken in whole, while next to nothing gets through.
  await vi.waitFor(async () => expect((await reports()).at(-1)).toMatchObject({ lag: 0 }), WAIT);
  await vi.waitFor(async () => expect(await metric('sluice_push_full_endpoints')).toBe(full + 1), WAIT);
  expect(await metric('sluice_push_waiting_messages')).toBeGreaterThanOrEqual(100);
  expect(await metric('sluice_push_held_bytes')).toBeGreaterThan(0);
  expect((await reports()).at(-1)!.lag).toBe(0);
  expect(acceptedOffsets(await receiver.received(client.path))).toEqual([]);
});

test('a second process on the same journals is not ready and says why, and takes over when the first has gone', async () => {
  const first = await runPush(receiver);
  const client = await first.newClient();
  await client.produce(['a']);
  await receiver.until(client.path, (all) => all.length === 1);
  const second = await startPush({ ...first.deployment.context, metrics: new Registry() }, pushConfig());
  try {
    await vi.waitFor(() => expect(second.readiness().detail).toContain('already has a writer'), WAIT);
    expect(second.readiness().ready).toBe(false);
    await first.stop();
    await vi.waitFor(() => expect(second.readiness().ready).toBe(true), WAIT);
    const [next] = await client.produce(['a']);
    const requests = await receiver.until(client.path, (all) => all.length >= 2);
    expect(acceptedOffsets(requests)).toHaveLength(2);
    expect(acceptedOffsets(requests)[1]).toBe(next);
  } finally {
    await second.stop();
    await first.deployment.remove();
  }
});

test('a damaged journal is moved aside and built anew from the log: what was pushed stays pushed, and what waited for another try is tried again', async () => {
  const patience = { retryScheduleMs: Array(1_000).fill(500) };
  const first = await runPush(receiver, patience);
  const { deployment } = first;
  const client = await first.newClient();
  receiver.behave(client.path, { kind: 'poison', containing: 'POISON' });
  const offsets = await client.produce(['a', 'b']);
  offsets.push(...(await client.produce(['c'], 'POISON')));
  await receiver.until(client.path, (all) => new Set(all.map(({ body }) => body.offset)).size === 3);
  await first.stop();
  receiver.behave(client.path, { kind: 'accept' });
  const journals = join(deployment.context.dataFolder, 'journal');
  const files = readdirSync(journals, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const volumes = files.filter(({ name }) => name.endsWith('.db'));
  expect(volumes.length).toBeGreaterThan(0);
  for (const { parentPath, name } of volumes) writeFileSync(join(parentPath, name), Buffer.alloc(8192, 0xff));
  const context = { ...deployment.context, metrics: new Registry() };
  const second = await runPush(receiver, patience, { ...deployment, context });
  try {
    offsets.push(...(await client.produce(['a'])));
    const requests = await receiver.until(client.path, (all) => new Set(acceptedOffsets(all)).size === 4);
    expect(acceptedOffsets(requests).toSorted((a, b) => a - b)).toEqual(offsets);
    expect((await context.metrics.getSingleMetric('sluice_push_gaps_total')!.get()).values[0]!.value).toBe(0);
    expect(readdirSync(`${journals}-aside`).length).toBeGreaterThan(0);
  } finally {
    await second.stop();
    await deployment.remove();
  }
});
