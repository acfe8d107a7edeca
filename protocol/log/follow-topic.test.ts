import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openEmbeddedLog } from './embedded/open.ts';
import { followTopic } from './follow-topic.ts';
import type { Log } from './log.ts';
import { readToEnd } from './read-to-end.ts';

const TOPIC = 'things-1';
let folder: string;
let log: Log;
let ahead = 0;

beforeEach(async () => {
  ahead = 0;
  folder = await mkdtemp(join(tmpdir(), 'sluice-follow-'));
  log = await openEmbeddedLog({ folder, retentionIntervalMs: 50, clock: () => Date.now() + ahead });
  await log.createTopics([
    {
      name: TOPIC,
      kind: 'entity',
      partitions: 1,
      retentionMs: undefined,
      retentionBytes: undefined,
      maxMessageBytes: 1000,
      replication: 1,
      owner: 'test',
    },
  ]);
});
afterEach(async () => {
  await log.close();
  await rm(folder, { recursive: true });
});

const put = (key: string, value: string | null) =>
  log.produce(TOPIC, [{ key, value: value === null ? null : Buffer.from(value) }]);

async function read(): Promise<Record<string, string | undefined>> {
  const seen: Record<string, string | undefined> = {};
  await readToEnd(log, TOPIC, ({ key, value }) => {
    seen[key] = value?.toString();
  });
  return seen;
}

test('an empty topic has been read at once', async () => {
  expect(await read()).toEqual({});
});

test('everything is told, the latest of each key last', async () => {
  for (const key of ['a', 'b', 'c', 'd']) await put(key, 'old');
  await put('a', 'new');
  expect(await read()).toEqual({ a: 'new', b: 'old', c: 'old', d: 'old' });
});

test('a topic whose end has been compacted away is read all the same', async () => {
  await put('a', 'kept');
  await put('b', 'gone');
  await put('b', null);
  // The deletion itself is forgotten after a while: then the last offset of its partition is never delivered.
  ahead = 30 * 24 * 3_600_000;
  await expect.poll(read).toStrictEqual({ a: 'kept' });
});

test('after what was there come the changes', async () => {
  await put('a', 'first');
  const seen: string[] = [];
  const subscription = await followTopic(
    log,
    TOPIC,
    ({ value }) => seen.push(String(value)),
    () => {},
  );
  expect(seen).toEqual(['first']);
  await put('a', 'second');
  await expect.poll(() => seen).toEqual(['first', 'second']);
  await subscription.close();
});
