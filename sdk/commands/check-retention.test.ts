/** On a real log: what a deployment with these topics would be told at start. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '../../protocol/config/load.ts';
import { openEmbeddedLog } from '../../protocol/log/embedded/open.ts';
import type { Log } from '../../protocol/log/log.ts';
import { INGEST_TOPIC, RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { blobRetention, checkRetention } from './check-retention.ts';

const HOUR = 3_600_000;
let folder: string;
let log: Log;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-retention-'));
  log = await openEmbeddedLog({ folder });
});
afterEach(async () => {
  await log.close();
  await rm(folder, { recursive: true });
});

async function createTopic(name: string, retentionMs: number | undefined): Promise<void> {
  const limits = { partitions: 1, retentionBytes: undefined, maxMessageBytes: 1 << 20, replication: 1 };
  await log.createTopics([{ name, kind: 'events', retentionMs, owner: 'test', ...limits }]);
}

test('results that are kept as long as the journal, or for ever, will do', async () => {
  await createTopic(RESULTS_TOPIC, 2 * HOUR);
  await checkRetention(log, 2 * HOUR);
  await log.deleteTopic(RESULTS_TOPIC);
  await createTopic(RESULTS_TOPIC, undefined);
  await checkRetention(log, 0);
});

test('results that are gone before the journal is are refused, with what to do about it', async () => {
  await createTopic(RESULTS_TOPIC, 2 * HOUR);
  await expect(checkRetention(log, 2 * HOUR + 1)).rejects.toThrow(ConfigError);
  await expect(checkRetention(log, 2 * HOUR + 1)).rejects.toThrow('raise --topics-results-retention-ms');
  await expect(checkRetention(log, 0)).rejects.toThrow('for ever');
});

test('a blob outlives the event that names it, however long the log keeps it', async () => {
  await createTopic(INGEST_TOPIC, 30 * HOUR);
  expect(await blobRetention(log, HOUR)).toBe(31 * HOUR);
  await log.deleteTopic(INGEST_TOPIC);
  await createTopic(INGEST_TOPIC, undefined);
  expect(await blobRetention(log, HOUR)).toBe(Number.POSITIVE_INFINITY);
});
