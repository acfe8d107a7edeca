/** Every role a process of its own on a real Kafka broker, and each of them, the broker too, killed under load. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, inject, test } from 'vitest';
import { type KafkaCluster, startKafka } from '../../protocol/log/kafka/broker/cluster.ts';
import { ROLES, RolesOnKafka } from './roles-on-kafka.ts';

describe.skipIf(!inject('kafkaIsHere'))('on a real broker', () => {
  let folder: string;
  let kafka: KafkaCluster;
  let roles: RolesOnKafka;

  // For each try: whatever the first has left, killed or half started.
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-kafka-kill-'));
    kafka = await startKafka({ folder: join(folder, 'kafka') });
    roles = new RolesOnKafka({ folder, brokersOf: () => kafka.bootstrap });
    await roles.startAll();
  });
  afterEach(async () => {
    await roles?.close();
    await kafka?.stop();
    await rm(folder, { recursive: true });
  });

  test('each role and the broker killed under load: every result exactly once', {
    timeout: 300_000,
  }, async () => {
    const load = await roles.load();
    for (const role of ROLES.toSorted(() => Math.random() - 0.5)) {
      await sleep(200 + Math.random() * 800);
      await roles.kill(role);
      await roles.start(role);
    }
    const [broker] = kafka.brokers;
    await broker!.kill();
    await sleep(500);
    await broker!.start();
    await load.expectExactlyOnce('every role and the broker killed');
  });
});
