/** Processes that freeze for longer than their session lasts and then go on as if nothing had been: nothing twice, nothing lost. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type KafkaCluster, startKafka } from '../../protocol/log/kafka/broker/cluster.ts';
import { RolesOnKafka, SESSION_TIMEOUT_MS } from './roles-on-kafka.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };

describe.skipIf(!inject('kafkaIsHere'))('on a real broker', { timeout: 240_000 }, () => {
  let folder: string;
  let kafka: KafkaCluster;
  let roles: RolesOnKafka;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-zombies-'));
    kafka = await startKafka({ folder: join(folder, 'kafka') });
    roles = new RolesOnKafka({ folder, brokersOf: () => kafka.bootstrap });
    await roles.startAll();
    await roles.start('vision-2');
  }, 300_000);
  afterAll(async () => {
    await roles?.close();
    await kafka?.stop();
    await rm(folder, { recursive: true });
  });

  /** Until the others have taken its work over, at least. */
  async function freeze(name: string): Promise<void> {
    roles.signal(name, 'SIGSTOP');
    await sleep(2 * SESSION_TIMEOUT_MS);
    roles.signal(name, 'SIGCONT');
  }

  test('a vision process comes back after another has its partitions', async () => {
    const load = await roles.load();
    for (const name of ['vision', 'vision-2']) {
      await expect.poll(() => load.accepted, PATIENCE).toBeGreaterThan(10);
      await freeze(name);
    }
    await load.expectExactlyOnce('two vision processes frozen in turn');
  });

  test.each(['summary', 'firehose'])('the only %s process comes back', async (role) => {
    const load = await roles.load();
    await expect.poll(() => load.accepted, PATIENCE).toBeGreaterThan(10);
    await freeze(role);
    await load.expectExactlyOnce(`the ${role} process frozen`);
  });
});
