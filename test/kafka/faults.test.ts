/** What happens to roles on Kafka in an ordinary year, under load: replicas come and go, the network breaks, the disk fills up. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type KafkaCluster, startKafka } from '../../protocol/log/kafka/broker/cluster.ts';
import { TcpProxy } from '../chaos/tcp-proxy.ts';
import { ROLES, RolesOnKafka, SESSION_TIMEOUT_MS } from './roles-on-kafka.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
const JOURNAL_DISK_BYTES = 96 << 20;

const folder = mkdtempSync(join(tmpdir(), 'sluice-faults-'));
const journalDisk = mountLimited(join(folder, 'firehose', 'firehose'));

describe.skipIf(!inject('kafkaIsHere'))('on a real broker', { timeout: 240_000 }, () => {
  const proxies = new Map<string, TcpProxy>();
  let kafka: KafkaCluster;
  let roles: RolesOnKafka;

  beforeAll(async () => {
    for (const role of ROLES) proxies.set(role, await TcpProxy.listen());
    const proxyPorts = ROLES.map((role) => proxies.get(role)!.port);
    kafka = await startKafka({ folder: join(folder, 'kafka'), proxyPorts });
    for (const [index, role] of ROLES.entries())
      proxies.get(role)!.lead(`tcp://127.0.0.1:${kafka.listenerPorts[index]}`);
    roles = new RolesOnKafka({ folder, brokersOf: (role) => [`127.0.0.1:${proxies.get(role)!.port}`] });
    await roles.startAll();
  }, 300_000);
  afterAll(async () => {
    await roles?.close();
    await kafka?.stop();
    for (const proxy of proxies.values()) await proxy.close();
  });

  test('vision processes join and leave while images are in work', async () => {
    const load = await roles.load();
    for (let round = 0; round < 2; round++) {
      await roles.start('vision-2');
      await someAreAccepted(load);
      expect(await roles.stop('vision-2')).toBe(0);
      await someAreAccepted(load);
    }
    await load.expectExactlyOnce('a second vision process started and stopped twice');
  });

  test.each([
    ['gateway', 'cut'],
    ['vision', 'silence'],
    ['summary', 'cut'],
    ['firehose', 'silence'],
  ] as const)('the network between the %s and the broker: %s', async (role, fault) => {
    const load = await roles.load();
    await someAreAccepted(load);
    const proxy = proxies.get(role)!;
    proxy[fault]();
    await sleep(1.5 * SESSION_TIMEOUT_MS);
    proxy.mend();
    await someAreAccepted(load);
    await load.expectExactlyOnce(`${fault} between ${role} and broker`);
  });

  test.skipIf(journalDisk === undefined)("the journal's disk is full for a while", async () => {
    const load = await roles.load();
    await someAreAccepted(load);
    const saidBefore = roles.stderr('firehose').length;
    const release = fill(join(journalDisk!, 'ballast'));
    const readiness = () => fetch(`${roles.url('firehose')}/readyz`).then(({ status }) => status);
    try {
      await expect.poll(() => roles.stderr('firehose').slice(saidBefore), PATIENCE).toMatch(/disk|SQLITE_FULL|ENOSPC/);
      // The rest of the system goes on: what is accepted meanwhile waits on the log.
      await someAreAccepted(load);
    } finally {
      release();
    }
    await expect.poll(readiness, PATIENCE).toBe(200);
    await load.expectExactlyOnce("the journal's disk full");
  });
});

afterAll(() => {
  if (journalDisk !== undefined) execFileSync('umount', ['--lazy', journalDisk]);
  rmSync(folder, { recursive: true });
});

async function someAreAccepted(load: { readonly accepted: number }): Promise<void> {
  const enough = load.accepted + 10;
  await expect.poll(() => load.accepted, PATIENCE).toBeGreaterThan(enough);
}

/** A small disk of its own. @returns undefined where the machine does not let us mount one */
function mountLimited(at: string): string | undefined {
  try {
    execFileSync('mkdir', ['-p', at]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${JOURNAL_DISK_BYTES}`, 'tmpfs', at], { stdio: 'ignore' });
    return at;
  } catch {
    return undefined;
  }
}

/** @returns what gives the room back */
function fill(ballast: string): () => void {
  const file = openSync(ballast, 'w');
  const take = () => {
    try {
      for (const block = Buffer.alloc(1 << 16, 1); ; ) writeSync(file, block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  };
  take();
  // What is freed meanwhile is taken as well.
  const timer = setInterval(take, 20);
  return () => {
    clearInterval(timer);
    closeSync(file);
    rmSync(ballast);
  };
}
