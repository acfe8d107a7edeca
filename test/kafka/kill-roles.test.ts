/**
 * Every role a process of its own on a real Kafka broker, and each of them, the broker too, killed under load.
 *
 * The vision services are synthetic: what is tested is the way of the messages, and models would only slow it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, inject, test } from 'vitest';
import { type KafkaCluster, startKafka } from '../../protocol/log/kafka/broker/cluster.ts';
import { ClientProgram } from '../crash/client-program.ts';
import { expectExactlyOnce, isComplete } from '../crash/exactly-once.ts';
import { readFirehose } from '../harness/firehose-reader.ts';
import { runSluice, type SluiceProcess, startSluice } from '../harness/sluice-process.ts';

const CLIENTS = ['alice', 'bob', 'carol'];
const IMAGES_PER_CLIENT = 40;
const ROLES = ['gateway', 'vision', 'summary', 'firehose'] as const;
const READ_TIMEOUT_MS = 120_000;

let data: string;
let kafka: KafkaCluster;
const running = new Map<string, SluiceProcess>();

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'sluice-kafka-kill-'));
  if (!inject('kafkaIsHere')) return;
  kafka = await startKafka({ folder: join(data, 'kafka') });
  // One after the other: the first creates the topics.
  for (const role of ROLES) await start(role);
}, 120_000);

afterAll(async () => {
  await Promise.all([...running.values()].map((process) => process.kill()));
  await kafka?.stop();
  await rm(data, { recursive: true });
});

async function start(role: string): Promise<void> {
  const settings = {
    log: 'kafka',
    'kafka-brokers': kafka.bootstrap.join(','),
    'kafka-session-timeout-ms': '6000',
    data: join(data, 'sluice'),
    port: '0',
    'log-level': 'warn',
    'topics-partitions': '4',
    'vision-synthetic-enabled': 'true',
    'vision-synthetic-delay-ms': '20',
  };
  running.set(
    role,
    await startSluice([role, ...Object.entries(settings).flatMap(([flag, value]) => [`--${flag}`, value])]),
  );
}

async function killAndRestart(role: string): Promise<void> {
  await running.get(role)!.kill();
  running.delete(role);
  await start(role);
}

describe.skipIf(!inject('kafkaIsHere'))('on a real broker', () => {
  // No second try: it would find what the first has left.
  test('each role and the broker killed under load: every result exactly once', {
    timeout: 300_000,
    retry: 0,
  }, async () => {
    const image = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'white' } })
      .jpeg()
      .toBuffer();
    const tokenOf = (client: string) => runSluice(['token', '--client', client, '--data', join(data, 'sluice')]).trim();
    const programs = CLIENTS.map((client) => new ClientProgram(tokenOf(client)));
    const load = programs.map((program) =>
      program.submitAll(
        () => running.get('gateway')?.url ?? 'http://127.0.0.1:1',
        Array.from({ length: IMAGES_PER_CLIENT }, (_, n) => ({ transaction: `t${Math.floor(n / 8)}`, image })),
      ),
    );
    for (const role of ROLES.toSorted(() => Math.random() - 0.5)) {
      await sleep(200 + Math.random() * 800);
      await killAndRestart(role);
    }
    const [broker] = kafka.brokers;
    await broker!.kill();
    await sleep(500);
    await broker!.start();
    await Promise.all(load);

    const firehose = running.get('firehose')!.url;
    for (const { token, accepted } of programs)
      expectExactlyOnce(
        await readFirehose(firehose, token, (seen) => isComplete(seen, accepted), READ_TIMEOUT_MS),
        accepted,
      );
  });
});
