/**
 * Deliveries per second of push to one and to a hundred endpoints, beside a raw undici loop that posts the same bodies.
 *
 * Subject: `sluice push` as a process, whose journal already holds the messages. Each measurement sends every endpoint back to its
 * beginning (POST /v1/webhook/resume), so everything is read from the journal, signed, ordered, sent and recorded again.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openTokenKeys } from '../protocol/claims/keys.ts';
import { mintToken } from '../protocol/claims/token.ts';
import { packEvent, payloadJson, unpackEvent } from '../protocol/envelope.ts';
import { TextLine } from '../protocol/generated/ocr/v1m0/ocr_pb.js';
import type { ProduceRecord } from '../protocol/log/log.ts';
import { openLog } from '../protocol/log/open.ts';
import { RESULTS_TOPIC, topicDefinitions } from '../protocol/log/topics.ts';
import { newMessageId } from '../protocol/message-id.ts';
import { newSecret, openSealingKeys, sealSecret } from '../protocol/webhook/sealing.ts';
import { messageFrame } from '../push/write/message-frame.ts';
import type { RawRun } from './push-raw.ts';
import type { FromSink, ToSink } from './push-sink.ts';
import type { BenchCase, BenchContext, Measurement, OpenVariant, Suite } from './suite.ts';

const HOUR = 3_600_000;
/** So many that sending a hundred endpoints back to their beginning, a request with a token to check for each, counts for little. */
const REQUESTS = 120_000;
/** As many as are under way to one endpoint at most in push's own defaults. */
const RAW_CONCURRENCY_OF_ONE = 32;
const TEXT = 'x'.repeat(250);
const TRANSACTIONS = 50;
const PRODUCE_AT_ONCE = 1000;

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url));

type Received = Extract<FromSink, { kind: 'received' }>;

interface Sink {
  readonly url: (index: number) => string;
  /** Resolves when it is ready to count, with the promise of what it will have counted. */
  expect(requests: number): Promise<{ readonly received: Promise<Received> }>;
  close(): Promise<void>;
}

async function openSink(): Promise<Sink> {
  const child = fork(program('./push-sink.ts'), { execPath: process.execPath });
  const [{ port }] = (await once(child, 'message')) as [Extract<FromSink, { kind: 'listening' }>];
  return {
    url: (index) => `http://127.0.0.1:${port}/hook/${index}`,
    async expect(requests) {
      const expecting = once(child, 'message');
      child.send({ kind: 'expect', requests } satisfies ToSink);
      await expecting;
      return { received: once(child, 'message').then(([message]) => message as Received) };
    },
    close: () => ended(child),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.disconnect();
  await exited;
}

/** Lets `start` cause the requests, and checks that each came once. */
async function measured(sink: Sink, requests: number, start: () => Promise<void>): Promise<Measurement> {
  const { received } = await sink.expect(requests);
  await start();
  const { seconds, distinct, bytes, opened } = await received;
  if (distinct !== requests) throw new Error(`${requests} requests held ${distinct} distinct messages`);
  return {
    value: requests / seconds,
    also: { mib_per_s: bytes / seconds / 2 ** 20, bytes_each: bytes / requests, connections_opened: opened },
  };
}

function openRaw(endpoints: number): (context: BenchContext) => Promise<OpenVariant> {
  return async ({ scale }) => {
    const sink = await openSink();
    const child = fork(program('./push-raw.ts'), { execPath: process.execPath });
    await once(child, 'message');
    const requests = Math.max(endpoints, Math.round((REQUESTS * scale) / endpoints) * endpoints);
    const run: RawRun = {
      urls: Array.from({ length: endpoints }, (_, i) => sink.url(i)),
      requests,
      body: exampleBody(),
      concurrency: endpoints === 1 ? RAW_CONCURRENCY_OF_ONE : 1,
    };
    return {
      measure: () =>
        measured(sink, requests, async () => {
          const done = once(child, 'message');
          child.send(run);
          await done;
        }),
      async close() {
        await ended(child);
        await sink.close();
      },
    };
  };
}

function openPush(endpoints: number): (context: BenchContext) => Promise<OpenVariant> {
  return async ({ folder, scale }) => {
    const sink = await openSink();
    const each = Math.max(1, Math.round((REQUESTS * scale) / endpoints));
    const requests = each * endpoints;
    const tokens = await produceMessages(folder, endpoints, each, sink);
    const first = await sink.expect(requests);
    const push = await startPushProcess(folder);
    await first.received;
    const resume = async (token: string) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const init = { method: 'POST', headers, body: '{"offset":-1}' };
      const response = await fetch(`${push.url}/v1/webhook/resume`, init);
      if (!response.ok) throw new Error(`resume answered ${response.status}: ${await response.text()}`);
    };
    return {
      measure: () => measured(sink, requests, async () => void (await Promise.all(tokens.map(resume)))),
      async close() {
        await push.stop();
        await sink.close();
      },
    };
  };
}

/** @returns a token of each client */
async function produceMessages(data: string, endpoints: number, each: number, sink: Sink): Promise<string[]> {
  const log = await openLog({ kind: 'embedded', folder: join(data, 'log') });
  const sizing = { partitions: 8, replication: 1, resultsRetentionMs: HOUR, ingestRetentionMs: HOUR };
  await log.createTopics(topicDefinitions({ ...sizing, maxImageMessageBytes: 1 << 20 }));
  const keys = await openTokenKeys(join(data, 'keys'));
  const sealing = await openSealingKeys(join(data, 'keys'));
  const issuedAt = Date.now();
  const tokens: string[] = [];
  for (let i = 0; i < endpoints; i++) {
    const client = `client-${i}`;
    const secrets = [{ sealed: await sealSecret(sealing, client, newSecret()) }];
    const grant = { url: sink.url(i), types: [], mode: 'full', rate: 0, verified: issuedAt, secrets };
    const token = await mintToken(keys, {
      client,
      grants: { 'push-1': grant },
      issuedAt,
      expiresAt: issuedAt + HOUR,
    });
    tokens.push(token);
    for (let done = 0; done < each; done += PRODUCE_AT_ONCE) {
      const count = Math.min(PRODUCE_AT_ONCE, each - done);
      const records = Array.from({ length: count }, (_, n) => message(client, token, done + n));
      await log.produce(RESULTS_TOPIC, records);
    }
  }
  await log.close();
  return tokens;
}

function message(client: string, token: string, index: number): ProduceRecord {
  const now = Date.now();
  const messageId = newMessageId(now);
  const correlationId = `transaction-${index % TRANSACTIONS}`;
  const line = TextLine.create({ imageId: messageId, index: 1, label: 'text', confidence: 0.5, text: TEXT });
  const event = { messageId, eventTime: now, type: TextLine, message: line };
  return { key: client, value: packEvent({ correlationId, client, token, traceparent: '' }, event) };
}

/** A message as it is pushed: the raw loop posts the same bytes. */
function exampleBody(): string {
  const event = unpackEvent(message('client-10', '', 10).value);
  const frame = messageFrame('x'.repeat(10), 10_000, event, JSON.stringify(payloadJson(event)))(9_999);
  return frame.toString().trimEnd();
}

async function startPushProcess(data: string): Promise<{ url: string; stop(): Promise<void> }> {
  const flags = ['--data', data, '--port', '0', '--log-level', 'warn', '--push-allow-loopback', 'true'];
  const child = spawn(process.execPath, [program('../sluice.ts'), 'push', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface(child.stdout!)) {
    const match = /^ready (\S+)$/.exec(line);
    if (match === null) continue;
    return {
      url: match[1]!,
      async stop() {
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        await exited;
      },
    };
  }
  throw new Error('push ended before it was ready');
}

function deliveries(endpoints: number): BenchCase {
  const durability = 'progress stored every 10 s or 5,000 messages';
  return {
    name: endpoints === 1 ? 'one endpoint' : `${endpoints} endpoints`,
    unit: 'deliveries/s',
    better: 'higher',
    goals: [{ subject: 'push', against: 'raw undici loop', atLeast: 0.7 }],
    variants: [
      { name: 'push', kind: 'subject', durability, open: openPush(endpoints) },
      { name: 'raw undici loop', kind: 'limit', durability: 'none', open: openRaw(endpoints) },
    ],
  };
}

export const suite: Suite = {
  name: 'push',
  about: 'webhook deliveries, one message each, from the journal to an HTTP receiver that answers 204',
  cases: [deliveries(1), deliveries(100)],
};
