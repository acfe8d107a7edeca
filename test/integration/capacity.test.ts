/** Load is shed by what the services themselves report: a real journal that cannot write, a real log, a real gateway. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestNode } from '../../firehose/testing/node.ts';
import { type GatewayFixture, openGateway } from '../../gateway/testing/gateway-fixture.ts';
import { sampleImage } from '../../gateway/testing/sample-image.ts';
import { startCapacityReporter } from '../../protocol/capacity/reporter.ts';
import { readToEnd } from '../../protocol/log/read-to-end.ts';
import { CAPACITY_TOPIC } from '../../protocol/log/topics.ts';

const JOURNAL_BOUND = 2;

let node: TestNode;
let gateway: GatewayFixture;
let image: Buffer;

beforeAll(async () => {
  node = await TestNode.start({}, 1);
  const limits = { maxJournalWaitSeconds: JOURNAL_BOUND };
  gateway = await openGateway(node.log, limits, { keysFolder: join(node.folder, 'keys') });
  image = await sampleImage('image/jpeg');
});
afterAll(async () => {
  await gateway.close();
  await node[Symbol.asyncDispose]();
});

async function submit(grants: object = {}) {
  const token = await gateway.token('ada', { 'ingest-1': {}, 'firehose-1': {}, ...grants });
  const response = await gateway.server.inject({
    method: 'POST',
    url: '/v1/transactions/t/images',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'image/jpeg' },
    body: image,
  });
  return { status: response.statusCode, retryAfter: Number(response.headers['retry-after']), body: response.json() };
}

async function reports(): Promise<string[]> {
  const known = new Set<string>();
  await readToEnd(node.log, CAPACITY_TOPIC, ({ key, value }) => {
    if (value === null) known.delete(key);
    else known.add(key);
  });
  return [...known].sort();
}

const expectedWait = async () => {
  const metric = await gateway.metrics.getSingleMetric('sluice_gateway_expected_wait_seconds')!.get();
  return metric.values.find(({ labels }) => labels.service === 'firehose')?.value ?? 0;
};

test('while the journal cannot be written images are turned away; when it can they are taken again', {
  timeout: 180_000,
}, async () => {
  await expect.poll(reports).toEqual([expect.stringMatching(/^firehose\/./)]);
  // On a machine that stalls for seconds the journal may just have been as far behind as that.
  await expect.poll(async () => (await submit()).status).toBe(202);

  const folder = join(node.folder, 'firehose', 'journal', '0');
  const volume = readdirSync(folder)
    .filter((name) => name.endsWith('.db'))
    .sort()
    .at(-1)!;
  const held = new Database(join(folder, volume));
  held.exec('BEGIN IMMEDIATE');
  try {
    // Something has to wait, or nothing would be late.
    await submit();
    await expect.poll(expectedWait).toBeGreaterThan(JOURNAL_BOUND);
    await expect.poll(submit).toMatchObject({
      status: 503,
      retryAfter: expect.toSatisfy((seconds: number) => seconds >= 1),
      body: { type: '/problems/overloaded', waiting_for: 'firehose' },
    });
  } finally {
    held.exec('ROLLBACK');
    held.close();
  }
  await expect.poll(async () => (await submit()).status, { timeout: 60_000, interval: 200 }).toBe(202);
});

test('two versions of a service report side by side, and one that ends with nothing to do takes its word back', async () => {
  const report = (instance: string, lag: number, done: () => number) =>
    startCapacityReporter({
      log: node.log,
      service: 'ocr',
      instance,
      sample: async () => ({ lag, done: done() }),
      now: Date.now,
      onError: (error) => expect.unreachable(String(error)),
      everyMs: 50,
    });
  let done = 0;
  const stopNew = report('2.0', 0, () => 0);
  const stopOld = report('1.0', 100_000, () => done++);
  await expect.poll(async () => (await submit({ 'ocr-*': {} })).body.waiting_for).toBe('ocr');
  const statusOf = async (grants: object) => (await submit(grants)).status;
  await expect.poll(() => statusOf({ 'ocr-2': {} })).toBe(202);
  await expect.poll(() => statusOf({ 'ocr-1': {} })).toBe(503);
  await expect.poll(() => statusOf({})).toBe(202);
  await stopNew();
  await stopOld();
  // What still waits for the old one waits on.
  expect((await reports()).filter((key) => key.startsWith('ocr'))).toEqual(['ocr/1.0']);
  expect((await submit({ 'ocr-1': {} })).status).toBe(503);
});
