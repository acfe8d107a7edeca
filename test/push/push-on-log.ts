/**
 * Push beside the firehose, each a `sluice` process of its own on one log, with a receiver process: what is promised of webhooks,
 * whatever the log.
 */
import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message } from '../../protocol/frames.ts';
import type { KafkaSettings } from '../../protocol/log/kafka/settings.ts';
import { partitionOf } from '../../protocol/log/partitioner.ts';
import { RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { newSecret } from '../../protocol/webhook/sealing.ts';
import type { ReceivedRequest } from '../../push/testing/behaviour.ts';
import { type Deployment, openDeployment } from '../../push/testing/deployment.ts';
import { acceptedOffsets, type Receiver, startReceiver } from '../../push/testing/receiver.ts';
import { brokenLink, readFirehose } from '../harness/firehose-reader.ts';
import { type SluiceProcess, startSluice } from '../harness/sluice-process.ts';

const GROUP = 50;
const MOST_AT_ONCE = 8;
const PUSH = {
  allowLoopback: true,
  // So long that only the number of messages brings it about: then that is the bound on what is repeated.
  groupMs: 60_000,
  groupMessages: GROUP,
  retryScheduleMs: Array(50).fill(100),
  concurrency: { most: MOST_AT_ONCE },
  breaker: { openMs: 100, maxOpenMs: 500 },
};
const KILLS = 3;
const PER_ROUND = 5;
const READ_MS = 120_000;

interface Load {
  readonly client: string;
  readonly path: string;
  readonly token: string;
  readonly produced: number[];
}

/** @param kafka the broker to use; undefined for the embedded log */
export function pushOnLog(isWanted: boolean, kafka: () => Promise<KafkaSettings | undefined>): void {
  describe.skipIf(!isWanted)('push on its log', { timeout: 400_000 }, () => {
    let deployment: Deployment;
    let receiver: Receiver;
    let flags: string[];
    let isKafka: boolean;
    let firehose: SluiceProcess;
    const running = new Set<SluiceProcess>();

    beforeAll(async () => {
      const settings = await kafka();
      isKafka = settings !== undefined;
      [deployment, receiver] = await Promise.all([openDeployment(undefined, settings), startReceiver()]);
      const config = join(deployment.folder, 'config.json');
      await writeFile(config, JSON.stringify({ push: PUSH, topics: { partitions: 2 } }));
      const log = settings === undefined ? ['embedded'] : ['kafka', '--kafka-brokers', settings.brokers.join(',')];
      flags = ['--config', config, '--port', '0', '--log-level', 'warn', '--log', ...log];
      firehose = await start('firehose');
    }, 300_000);
    afterAll(async () => {
      for (const process of running) await process.kill();
      await receiver?.stop();
      await deployment?.remove();
    }, 300_000);

    async function start(role: string, data = deployment.folder, ...more: string[]): Promise<SluiceProcess> {
      const process = await startSluice([role, ...flags, '--data', data, ...more]);
      running.add(process);
      return process;
    }

    async function kill(process: SluiceProcess): Promise<void> {
      running.delete(process);
      await process.kill();
    }

    async function openLoad(client: string): Promise<Load> {
      const path = `/${client}`;
      const secrets = [newSecret()];
      receiver.expectSecrets(path, secrets);
      return {
        client,
        path,
        token: await deployment.token(client, { url: receiver.http + path, secrets }),
        produced: [],
      };
    }

    async function produce({ client, token, produced }: Load, transactions: readonly string[]): Promise<void> {
      for (const { offset } of await deployment.produce(client, token, transactions)) produced.push(offset);
    }

    /** Waits until every message has been accepted once at least. */
    function delivered({ path, produced }: Load): Promise<readonly ReceivedRequest[]> {
      return receiver.until(path, (all) => new Set(acceptedOffsets(all)).size >= produced.length, READ_MS);
    }

    /** What the client's firehose holds, word about the webhook left out. */
    async function journaled({ token, produced }: Load): Promise<Message[]> {
      const own = (messages: readonly Message[]) => messages.filter(({ type }) => !type.startsWith('push.'));
      const isEnough = (messages: readonly Message[]) => own(messages).length >= produced.length;
      const messages = await readFirehose(firehose.url, token, isEnough, READ_MS);
      expect(brokenLink(messages)).toBeUndefined();
      return own(messages);
    }

    /** @returns how many messages came more than once */
    async function checkAgainstJournal(load: Load): Promise<number> {
      const requests = await delivered(load);
      const frames = await journaled(load);
      expect(frames.map(({ offset }) => offset)).toEqual(load.produced);
      const accepted = requests.filter((request) => request.accepted);
      const first = new Map<number, ReceivedRequest['body']>();
      for (const { body } of accepted) if (!first.has(body.offset)) first.set(body.offset, body);
      // Message by message the same on both ways out, position and predecessor included.
      for (const frame of frames) expect(first.get(frame.offset)).toEqual({ ...frame, epoch: expect.any(String) });
      expect(first.size).toBe(frames.length);
      const latest = new Map<string, number>();
      for (const [offset, { transaction }] of first) {
        expect(offset, `${transaction} out of order`).toBeGreaterThan(latest.get(transaction) ?? -1);
        latest.set(transaction, offset);
      }
      expect(requests.every(({ signed }) => signed)).toBe(true);
      return accepted.length - first.size;
    }

    test('killed under load: delivered is what is in the journal, in order, repeated at most by the group', async () => {
      const loads = await Promise.all(['a', 'b', 'c'].map((name) => openLoad(`kill-${name}-${randomUUID()}`)));
      const [first, slow, failing] = loads as [Load, Load, Load];
      receiver.behave(slow.path, { kind: 'accept', delayMs: 3 });
      receiver.behave(failing.path, { kind: 'fail-first', times: 15 });
      let isLoading = true;
      const loading = (async () => {
        for (let round = 0; isLoading; round++) {
          const transactions = Array.from({ length: PER_ROUND }, (_, i) => `t${(round + i) % 7}`);
          for (const load of loads) await produce(load, transactions);
          await sleep(100);
        }
      })();
      for (let kills = 0; kills < KILLS; kills++) {
        const push = await start('push');
        const before = (await receiver.received(first.path)).length;
        await receiver.until(first.path, (all) => all.length > before + 10, READ_MS);
        await kill(push);
      }
      isLoading = false;
      await loading;
      const last = await start('push');
      let repeated = 0;
      for (const load of loads) repeated += await checkAgainstJournal(load);
      expect(repeated).toBeLessThanOrEqual(KILLS * (GROUP + loads.length * MOST_AT_ONCE));
      const produced = loads.reduce((sum, load) => sum + load.produced.length, 0);
      process.stderr.write(`push: ${produced} produced, ${KILLS} kills, ${repeated} repeated\n`);
      running.delete(last);
      expect(await last.stop()).toBe(0);
    });

    test('two processes with a share of the partitions each push everything once, and so does one that takes a share over', async () => {
      const partitions = (await deployment.log.watermarks(RESULTS_TOPIC)).map(({ partition }) => partition);
      // On Kafka a volume of its own for each, as in a cluster, where only the keys are shared. The embedded log is in the folder.
      const data = await Promise.all(
        ['one', 'two'].map(async (name) => {
          if (!isKafka) return deployment.folder;
          const folder = await mkdtemp(join(deployment.folder, `${name}-`));
          await cp(join(deployment.folder, 'keys'), join(folder, 'keys'), { recursive: true });
          return folder;
        }),
      );
      const clients = partitions.flatMap((partition) =>
        clientsOf(partition, partitions.length, `split-${randomUUID()}`, 2),
      );
      const loads = await Promise.all(clients.map(openLoad));
      for (const load of loads)
        await produce(
          load,
          Array.from({ length: 20 }, (_, i) => `t${i % 3}`),
        );
      const shares = [partitions.slice(0, 1), partitions.slice(1)];
      const [one, two] = await Promise.all(
        shares.map((share, i) => start('push', data[i]!, '--push-partitions', share.join())),
      );
      for (const load of loads) {
        const requests = await delivered(load);
        expect(acceptedOffsets(requests).toSorted((a, b) => a - b)).toEqual(load.produced);
      }
      // Each answers for its own clients, and says of others that they are not its own.
      const own = loads.find(({ client }) => partitionOf(client, partitions.length) === shares[0]![0])!;
      const status = async (process: SluiceProcess) => {
        const headers = { authorization: `Bearer ${own.token}` };
        return (await fetch(`${process.url}/v1/webhook/delivery`, { headers })).status;
      };
      expect(await status(one!)).toBe(200);
      expect(await status(two!)).toBe(503);
      for (const process of [one!, two!]) {
        running.delete(process);
        await process.stop();
      }
      // Another process takes the partitions of one over, with a copy of its folder: nothing comes twice, and what is new comes.
      const heir = isKafka ? await mkdtemp(join(deployment.folder, 'heir-')) : deployment.folder;
      if (isKafka) await cp(data[1]!, heir, { recursive: true });
      const moved = loads.filter(({ client }) => shares[1]!.includes(partitionOf(client, partitions.length)));
      for (const load of moved) await produce(load, ['t0', 't1']);
      const three = await start('push', heir, '--push-partitions', shares[1]!.join());
      for (const load of moved) {
        const requests = await delivered(load);
        expect(acceptedOffsets(requests).toSorted((a, b) => a - b)).toEqual(load.produced);
      }
      await kill(three);
    });
  });
}

/** So many client names whose messages lie in the partition. */
function clientsOf(partition: number, partitions: number, prefix: string, count: number): string[] {
  const names: string[] = [];
  for (let i = 0; names.length < count; i++)
    if (partitionOf(`${prefix}-${i}`, partitions) === partition) names.push(`${prefix}-${i}`);
  return names;
}
