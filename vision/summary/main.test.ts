/** The summary role on a real log: from events to summaries, over restarts and with a lost store. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import Value from 'typebox/value';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { payloadOf } from '../../protocol/envelope.ts';
import { ServiceCompleted } from '../../protocol/generated/completion/v1m0/completion_pb.js';
import { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import { Status, TransactionSummary } from '../../protocol/generated/summary/v1m0/summary_pb.js';
import { createHttpServer, type HttpServer } from '../../protocol/http/server.ts';
import { RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { derivedMessageId } from '../../protocol/message-id.ts';
import type { RunningRole } from '../../protocol/role.ts';
import {
  type Bench,
  drained,
  eventsOf,
  mint,
  openBench,
  type Submission,
  submit,
  tell,
  until,
} from '../testing/bench.ts';
import { SummaryConfig } from './config.ts';
import { startSummary } from './main.ts';
import { SUMMARY_GROUP } from './summariser.ts';
import { dayOf } from './usage.ts';

const GRANTS = { 'ocr-*': {}, 'summary-1': {} };

let bench: Bench;
let role: RunningRole | undefined;
let server: HttpServer | undefined;

beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await server?.close();
  await role?.stop();
  role = undefined;
  server = undefined;
  await bench.close();
});

async function start(config: Partial<SummaryConfig> = {}): Promise<void> {
  const { log, verifier, logger } = bench;
  const context = { log, verifier, logger, metrics: new Registry(), dataFolder: join(bench.folder, 'summary') };
  const complete = Value.Default(SummaryConfig, { revisionIntervalMs: 0, graceMs: 0, ...config }) as SummaryConfig;
  role = await startSummary(context as never, complete);
}

async function stop(): Promise<void> {
  await role!.stop();
  role = undefined;
}

async function submission(transaction: string, client = 'alice'): Promise<Submission> {
  return { client, transaction, token: await mint(bench, client, GRANTS), services: ['ocr'] };
}

async function complete(to: Submission, imageId: string, texts: string[]): Promise<void> {
  for (const [index, text] of texts.entries())
    await tell(bench, to, TextLine, TextLine.create({ imageId, index, text, confidence: 0.9 }));
  const marker = ServiceCompleted.create({ imageId, service: 'ocr', version: '1.0', results: texts.length });
  await tell(bench, to, ServiceCompleted, marker, derivedMessageId(imageId, 'ocr', 'completed'));
}

async function summaries(transaction: string): Promise<TransactionSummary[]> {
  return (await eventsOf(bench.log, RESULTS_TOPIC))
    .filter((event) => event.type === TransactionSummary.typeName && event.correlationId === transaction)
    .map((event) => payloadOf(event, TransactionSummary));
}

async function summariesOf(transaction: string, count: number): Promise<TransactionSummary[]> {
  let found: TransactionSummary[] = [];
  await until(async () => {
    found = await summaries(transaction);
    return found.length >= count;
  });
  return found;
}

test('when every service has completed every image there is a summary; a late result revises it', async () => {
  await start();
  const to = await submission('t');
  const imageId = await submit(bench, to);
  await complete(to, imageId, ['one']);
  const [first] = await summariesOf('t', 1);
  expect(first).toMatchObject({ revision: 1, status: Status.COMPLETE, text: [{ text: 'one', confidence: 0.9 }] });
  await tell(bench, to, TextLine, TextLine.create({ imageId, index: 1, text: 'late', confidence: 0.5 }));
  const [, second] = await summariesOf('t', 2);
  expect(second).toMatchObject({ revision: 2, status: Status.COMPLETE, text: [{ text: 'one' }, { text: 'late' }] });
});

test('a restart goes on where it was, and a lost store is built again without repeating anything', async () => {
  await start();
  const done = await submission('done');
  await complete(done, await submit(bench, done), ['one']);
  const open = await submission('open');
  const imageId = await submit(bench, open);
  await summariesOf('done', 1);
  await drained(bench.log, SUMMARY_GROUP, RESULTS_TOPIC);
  await stop();

  await start();
  await complete(open, imageId, ['two']);
  expect((await summariesOf('open', 1))[0]).toMatchObject({ revision: 1, text: [{ text: 'two' }] });
  await drained(bench.log, SUMMARY_GROUP, RESULTS_TOPIC);
  await stop();

  const before = (await eventsOf(bench.log, RESULTS_TOPIC)).length;
  await rm(join(bench.folder, 'summary'), { recursive: true });
  await start();
  await until(() => role!.readiness().ready);
  await drained(bench.log, SUMMARY_GROUP, RESULTS_TOPIC);
  expect(await eventsOf(bench.log, RESULTS_TOPIC)).toHaveLength(before);
  // It knows again what it knew: the next event leads to the second summary.
  await tell(bench, open, TextLine, TextLine.create({ imageId, index: 1, text: 'three' }));
  expect((await summariesOf('open', 2))[1]).toMatchObject({ revision: 2, text: [{ text: 'two' }, { text: 'three' }] });
});

test('without events the deadline passes by the clock, and what comes later revises the summary', async () => {
  await start({ deadlineMs: 50 });
  const to = await submission('t');
  const imageId = await submit(bench, to);
  expect((await summariesOf('t', 1))[0]).toMatchObject({ revision: 1, status: Status.PARTIAL });
  await complete(to, imageId, ['late']);
  // The line may have come before its marker was there, and have given a revision of its own.
  await until(async () => (await summaries('t')).at(-1)!.status === Status.COMPLETE);
  expect((await summaries('t')).at(-1)).toMatchObject({ text: [{ text: 'late' }] });
});

test("records that are not their client's own are passed over", async () => {
  await start();
  const to = await submission('t');
  const imageId = await submit(bench, to);
  const foreign = { ...to, token: await mint(bench, 'mallory', GRANTS) };
  await tell(bench, foreign, TextLine, TextLine.create({ imageId, index: 0, text: 'forged' }));
  await complete(to, imageId, []);
  expect((await summariesOf('t', 1))[0]!.text).toEqual([]);
});

test('a client whose token does not grant the summary gets none, and still has its usage counted', async () => {
  await start();
  const token = await mint(bench, 'bob', { 'ocr-*': {} });
  const bob: Submission = { client: 'bob', transaction: 't', token, services: ['ocr'] };
  await complete(bob, await submit(bench, bob), ['x']);
  await drained(bench.log, SUMMARY_GROUP, RESULTS_TOPIC);
  expect(await summaries('t')).toEqual([]);
  server = createHttpServer({ logger: bench.logger as never, bodyLimit: 1024 });
  await server.register(role!.routes!);
  const reader = await mint(bench, 'bob', { 'summary-1': {} });
  const answer = await get('/v1/usage', reader);
  expect(answer.json().days).toMatchObject([{ images: 1, results: 1, completions: 1, failures: 0, summaries: 0 }]);
});

test('usage is given by day to whom it belongs, once the partition is there', async () => {
  await start();
  const to = await submission('t');
  const bytes = Buffer.alloc(1234);
  await complete(to, await submit(bench, { ...to, bytes }), ['a', 'b']);
  await summariesOf('t', 1);
  await drained(bench.log, SUMMARY_GROUP, RESULTS_TOPIC);
  server = createHttpServer({ logger: bench.logger as never, bodyLimit: 1024 });
  await server.register(role!.routes!);
  const today = dayOf(Date.now());
  const answer = await get('/v1/usage', to.token);
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toMatchObject({
    client: 'alice',
    to: today,
    days: [{ day: today, images: 1, bytes: 1234, results: 2, completions: 1, failures: 0, summaries: 1, final: false }],
  });
  expect((await get('/v1/usage?from=2020-01-01&to=2020-12-31', to.token)).json().days).toEqual([]);
  expect((await get('/v1/usage?from=yesterday', to.token)).statusCode).toBe(400);
  const misspelt = await get('/v1/usage?form=2020-01-01', to.token);
  expect(misspelt.statusCode).toBe(400);
  expect(misspelt.json().errors).toEqual([{ field: 'query/form', detail: 'is no field here; known are from, to' }]);
  expect((await get('/v1/usage', await mint(bench, 'alice', { 'ocr-1': {} }))).statusCode).toBe(403);
  expect((await get('/v1/usage', 'nonsense')).statusCode).toBe(401);
  await stop();
  expect((await get('/v1/usage', to.token)).statusCode).toBe(503);
});

function get(url: string, token: string) {
  return server!.inject({ url, headers: { authorization: `Bearer ${token}` } });
}
