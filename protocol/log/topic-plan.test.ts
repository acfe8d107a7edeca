import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openEmbeddedLog } from './embedded/open.ts';
import type { Log, TopicDefinition } from './log.ts';
import { applyTopics, diffTopics, planTopic, showTopics } from './topic-plan.ts';

let folder: string;
let log: Log;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-topics-'));
  log = await openEmbeddedLog({ folder });
});
afterEach(async () => {
  await log.close();
  rmSync(folder, { recursive: true, force: true });
});

const topic: TopicDefinition = {
  name: 't',
  partitions: 2,
  kind: 'events',
  retentionMs: 3_600_000,
  retentionBytes: undefined,
  maxMessageBytes: 1000,
  replication: 1,
  owner: 'test',
};

const actionsOf = (plans: readonly { action: string }[]) => plans.map(({ action }) => action);

test('creates what is missing, and then finds nothing to do', async () => {
  expect(actionsOf(await diffTopics(log, [topic]))).toEqual(['create']);
  expect(await showTopics(log, [topic])).toEqual([{ definition: topic, description: undefined }]);
  expect(actionsOf(await applyTopics(log, [topic], { allowNewEpoch: false }))).toEqual(['create']);
  expect(actionsOf(await applyTopics(log, [topic], { allowNewEpoch: false }))).toEqual(['none']);
  expect((await showTopics(log, [topic]))[0]!.description!.definition).toEqual(topic);
});

test('reports drift and mends it without a new epoch', async () => {
  await log.createTopics([topic]);
  const { epoch } = await log.describeTopic('t');
  const wanted = { ...topic, retentionMs: 60_000, maxMessageBytes: 2000 };
  const [plan] = await diffTopics(log, [wanted]);
  expect(plan).toMatchObject({
    action: 'alter',
    newEpoch: false,
    drift: [
      { property: 'retentionMs', wanted: 60_000, actual: 3_600_000 },
      { property: 'maxMessageBytes', wanted: 2000, actual: 1000 },
    ],
  });
  await applyTopics(log, [wanted], { allowNewEpoch: false });
  expect(await log.describeTopic('t')).toEqual({ definition: wanted, epoch });
});

test('adds partitions only when a new epoch is allowed', async () => {
  await log.createTopics([topic]);
  const { epoch } = await log.describeTopic('t');
  const wanted = { ...topic, partitions: 3 };
  expect(actionsOf(await applyTopics(log, [wanted], { allowNewEpoch: false }))).toEqual(['refuse']);
  expect((await log.describeTopic('t')).epoch).toBe(epoch);
  expect(await applyTopics(log, [wanted], { allowNewEpoch: true })).toMatchObject([
    { action: 'alter', newEpoch: true },
  ]);
  const after = await log.describeTopic('t');
  expect(after.definition.partitions).toBe(3);
  expect(after.epoch).not.toBe(epoch);
});

test.each([
  [{ kind: 'entity' }, /kind/],
  [{ partitions: 1 }, /lose partitions/],
  [{ replication: 3 }, /reassign/],
] as const)('refuses what only recreating could do: %j', (change, reason) => {
  const plan = planTopic({ ...topic, ...change }, { definition: topic, epoch: 'e' });
  expect(plan).toMatchObject({ action: 'refuse', reason: expect.stringMatching(reason) });
});
