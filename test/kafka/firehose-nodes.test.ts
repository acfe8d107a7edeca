/**
 * Two firehose nodes with the same partitions, and one without any before them, on a real broker, each a process of its own: one is
 * killed while a client reads.
 */
import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { freePort } from '../../firehose/testing/free-port.ts';
import { openTokenKeys, type TokenKeys } from '../../protocol/claims/keys.ts';
import { mintToken } from '../../protocol/claims/token.ts';
import { packEvent } from '../../protocol/envelope.ts';
import type { Message } from '../../protocol/frames.ts';
import { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import { openKafkaLog } from '../../protocol/log/kafka/open.ts';
import type { Log } from '../../protocol/log/log.ts';
import { RESULTS_TOPIC, topicDefinitions } from '../../protocol/log/topics.ts';
import { newMessageId } from '../../protocol/message-id.ts';
import { createClient } from '../../sdk/client/client.ts';
import { brokenLink, readFirehose } from '../harness/firehose-reader.ts';
import { type SluiceProcess, startSluice } from '../harness/sluice-process.ts';
import { sharedKafka } from './shared-kafka.ts';

const HOUR = 3_600_000;
/** Read before the node is killed, and after. */
const BEFORE = 150;
const AFTER = 150;
/** Already there when the client comes. */
const OLD = 2_000;

const isHere = inject('kafkaIsHere');

let folder: string;
let log: Log;
let brokers: string;
let keys: TokenKeys;
const running = new Map<string, SluiceProcess>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-nodes-'));
  if (!isHere) return;
  const kafka = await sharedKafka();
  brokers = kafka.brokers.join();
  log = await openKafkaLog(kafka);
  const sizing = { partitions: 3, replication: 1, resultsRetentionMs: 8 * 24 * HOUR, ingestRetentionMs: HOUR };
  await log.createTopics(topicDefinitions({ ...sizing, maxImageMessageBytes: 1 << 20 }));
  keys = await openTokenKeys(join(folder, 'keys'));
  await Promise.all([start('a'), start('b'), start('front')]);
}, 300_000);

afterAll(async () => {
  await Promise.all([...running.values()].map((process) => process.kill()));
  await log?.close();
  await rm(folder, { recursive: true });
});

/** What each node holds: a and b every partition, two copies of each. */
const HOLDINGS: Record<string, Record<string, string>> = {
  a: { partitions: 'assigned', 'node-index': '0', 'node-count': '2', 'node-copies': '2' },
  b: { partitions: 'assigned', 'node-index': '1', 'node-count': '2', 'node-copies': '2' },
  front: { partitions: 'none' },
};

async function start(name: string): Promise<void> {
  const data = join(folder, name);
  await cp(join(folder, 'keys'), join(data, 'keys'), { recursive: true });
  const port = await freePort();
  const settings = {
    log: 'kafka',
    'kafka-brokers': brokers,
    data,
    port: String(port),
    'log-level': 'warn',
    'topics-create': 'false',
    ...Object.fromEntries(Object.entries(HOLDINGS[name]!).map(([flag, value]) => [`firehose-${flag}`, value])),
    'firehose-node-id': name,
    'firehose-node-advertised-url': `http://127.0.0.1:${port}`,
    'firehose-node-announce-ms': '300',
    'firehose-node-expire-ms': '2000',
  };
  const flags = Object.entries(settings).flatMap(([flag, value]) => [`--${flag}`, value]);
  running.set(name, await startSluice(['firehose', ...flags]));
}

function mint(client: string): Promise<string> {
  const issuedAt = Date.now();
  return mintToken(keys, { client, grants: { 'firehose-1': {} }, issuedAt, expiresAt: issuedAt + HOUR });
}

async function produce(client: string, token: string, from: number, to: number): Promise<void> {
  const records = Array.from({ length: to - from }, (_, n) => {
    const eventTime = Date.now();
    const about = { correlationId: 't', client, token, traceparent: '' };
    const message = TextLine.create({ imageId: 'i', index: 0, label: 'text', confidence: 1, text: `${from + n}` });
    return {
      key: client,
      value: packEvent(about, { messageId: newMessageId(eventTime), eventTime, type: TextLine, message }),
    };
  });
  await log.produce(RESULTS_TOPIC, records);
}

async function kill(name: string): Promise<void> {
  const process = running.get(name)!;
  running.delete(name);
  await process.kill();
}

describe.skipIf(!isHere)('on a real broker', () => {
  test('one of two copies killed under load: its reader goes on at the other, no gap, no repeat, and so does its consumer', {
    timeout: 180_000,
  }, async () => {
    // Another client for each try, and both nodes, whichever of them the try before has killed.
    const name = `ann-${randomUUID()}`;
    const token = await mint(name);
    for (const node of ['a', 'b']) if (!running.has(node)) await start(node);
    await produce(name, token, 0, OLD);
    let produced = OLD;
    let stop = false;
    const load = (async () => {
      while (!stop) await produce(name, token, produced, ++produced);
    })();
    const client = createClient({ url: running.get('front')!.url, token });
    const nodes: string[] = [];
    const seen: Message[] = [];
    let total = Number.POSITIVE_INFINITY;
    const onEvent = (event: { kind: string; hello?: { stream: string } }) => {
      if (event.kind === 'connected') nodes.push(event.hello!.stream.split('@')[1]!);
    };
    let killed: Promise<void> | undefined;
    for await (const message of client.firehose({
      from: { consumer: 'w' },
      checkpointMs: 50,
      heartbeat_ms: 2_000,
      onEvent,
    })) {
      seen.push(message);
      if (seen.length === OLD + BEFORE) killed = kill(nodes[0]!);
      if (nodes.length > 1 && total === Number.POSITIVE_INFINITY && seen.length > OLD + BEFORE + AFTER) {
        stop = true;
        await load;
        total = produced;
      }
      if (seen.length >= total) break;
    }
    await killed;
    const [first, second] = nodes as [string, string];
    expect([first, second].sort()).toEqual(['a', 'b']);
    expect(nodes).toHaveLength(2);
    expect(seen.map(({ payload }) => payload.text)).toEqual(Array.from({ length: produced }, (_, n) => `${n}`));
    expect(brokenLink(seen)).toBeUndefined();

    // Leaving the loop is as dying with the last message in work: the one before it was handled.
    const headers = { authorization: `Bearer ${token}` };
    const consumer = await fetch(`${running.get(second)!.url}/v1/consumers/w`, { headers });
    expect(await consumer.json()).toMatchObject({ offset: seen.at(-1)!.prev, lag: 1 });

    // The one that was killed comes back without its journals: it reads them anew, and they are the same.
    await rm(join(folder, first, 'firehose'), { recursive: true });
    await start(first);
    const enough = (messages: readonly unknown[]) => messages.length >= produced;
    const rebuilt = await readFirehose(running.get(first)!.url, token, enough, 60_000);
    expect(rebuilt.map(({ offset, prev, id }) => [offset, prev, id])).toEqual(
      seen.map(({ offset, prev, id }) => [offset, prev, id]),
    );
  });
});
