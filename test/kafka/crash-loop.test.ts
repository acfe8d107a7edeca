/**
 * An image over which the vision process hangs: the process says so. One over which it dies, again and again: noticed across
 * restarts, given up, and the next one is done.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { type KafkaCluster, startKafka } from '../../protocol/log/kafka/broker/cluster.ts';
import { ClientProgram } from '../crash/client-program.ts';
import { readFirehose } from '../harness/firehose-reader.ts';
import { runSluice } from '../harness/sluice-process.ts';
import { RolesOnKafka, smallImage } from './roles-on-kafka.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };
const DEATHS = 3;
const VISION = { 'vision-services': 'ocr', 'vision-max-deaths': String(DEATHS) };
/** Longer than the test: the image is in work until the process is killed. */
const ENDLESS = { 'vision-synthetic-delay-ms': '3600000', 'progress-timeout-ms': '3000' };

describe.skipIf(!inject('kafkaIsHere'))('on a real broker', { timeout: 180_000 }, () => {
  let folder: string;
  let kafka: KafkaCluster;
  let roles: RolesOnKafka;

  // For each try: it counts the deaths of one image and the dead letters of one log.
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-crash-loop-'));
    kafka = await startKafka({ folder: join(folder, 'kafka') });
    roles = new RolesOnKafka({ folder, brokersOf: () => kafka.bootstrap });
    await roles.start('gateway');
    await roles.start('firehose');
  });
  afterEach(async () => {
    await roles?.close();
    await kafka?.stop();
    await rm(folder, { recursive: true });
  });

  test('the image is given up after so many deaths, an operator can find it, and the next image is done', async () => {
    const program = new ClientProgram(roles.token('alice'));
    const submit = async () =>
      program.submitAll(() => roles.url('gateway'), [{ transaction: 't', image: await smallImage() }]);
    await submit();
    for (let death = 1; death <= DEATHS; death++) {
      await roles.start('vision', { ...VISION, ...ENDLESS });
      await expect.poll(imagesInWork, PATIENCE).toBe(1);
      await expect.poll(readiness, PATIENCE).toMatch(/^503 .*no progress: vision-ocr-1.0 ingest-1\/\d for \d+ s/);
      await roles.kill('vision');
    }
    await submit();
    await roles.start('vision', VISION);

    const [deadly, next] = [...program.accepted];
    const outcomes = (
      await readFirehose(roles.url('firehose'), program.token, (seen) => seen.filter(isOutcome).length >= 2, 60_000)
    ).filter(isOutcome);
    expect(outcomes.map(({ type, payload }) => [payload.imageId, type])).toEqual([
      [deadly, 'completion.v1m0.ServiceFailed'],
      [next, 'completion.v1m0.ServiceCompleted'],
    ]);
    expect(outcomes[0]!.payload).toMatchObject({ attempts: DEATHS, detail: expect.stringContaining('died 3 times') });
    const brokers = kafka.bootstrap.join(',');
    const letters = runSluice(['dlq', 'list', '--log', 'kafka', '--kafka-brokers', brokers]).trim().split('\n');
    expect(letters.map((line) => JSON.parse(line))).toMatchObject([{ service: 'vision-ocr-1.0', attempts: DEATHS }]);
    // The outcome is told before the mark is taken away.
    await expect.poll(imagesInWork, PATIENCE).toBe(0);
  });

  async function readiness(): Promise<string> {
    const response = await fetch(`${roles.url('vision')}/readyz`);
    return `${response.status} ${await response.text()}`;
  }

  async function imagesInWork(): Promise<number> {
    const state = join(roles.dataOf('vision'), 'vision');
    const service = existsSync(state) ? (await readdir(state)).find((name) => name.startsWith('ocr-')) : undefined;
    const file = join(state, service ?? '', 'attempts.sqlite');
    if (service === undefined || !existsSync(file)) return 0;
    const database = new Database(file, { readonly: true });
    try {
      return database.prepare('SELECT count(*) FROM attempt WHERE in_work = 1').pluck().get() as number;
    } finally {
      database.close();
    }
  }
});

function isOutcome({ type }: { readonly type: string }): boolean {
  return type.startsWith('completion.');
}
