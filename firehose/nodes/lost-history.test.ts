/** A journal that is lost together with what the log had of it: nobody takes what is left for the whole. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openEmbeddedLog } from '../../protocol/log/embedded/open.ts';
import { RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { createClient } from '../../sdk/client/client.ts';
import { TestNode } from '../testing/node.ts';
import { RawStream } from '../testing/raw-stream.ts';

const PATIENCE = { timeout: 60_000, interval: 20 };
const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => ({ text: `${from + n}` }));

test('positions before what the log still has are retired, for clients known and unknown, and the chain shows the gap', async () => {
  await using node = await TestNode.start({ heartbeatMs: 200 }, 1);
  await node.produce('ann', numbered(0, 30));
  await node.stopRole();
  await retireAll(node);
  await rm(node.journalFolder(0), { recursive: true });
  await node.startRole();
  await node.produce('ann', numbered(30, 33));

  const token = await node.token('ann');
  const resumed = RawStream.open(node.url, token, { from: { offset: 11 } }).catch((error) => error.problem);
  expect(await resumed).toMatchObject({ status: 410, type: '/problems/offset-retired', earliest: 30 });
  const stranger = RawStream.open(node.url, await node.token('bob'), { from: { offset: 11 } });
  expect(await stranger.catch((error) => error.problem)).toMatchObject({ status: 410, earliest: 30 });
  await using stream = await RawStream.open(node.url, token, { from: { offset: 29 }, follow: false });
  await stream.ended;
  expect(stream.messages.map(({ offset, prev }) => [offset, prev])).toEqual([
    [30, 29],
    [31, 30],
    [32, 31],
  ]);

  const client = createClient({ url: node.url, token });
  await expect(client.firehose({ from: { offset: 11 } }).next()).rejects.toMatchObject({ name: 'GapError', after: 11 });
  const gaps: number[] = [];
  const onEvent = (event: { kind: string; error?: { next: number } }) => {
    if (event.kind === 'gap') gaps.push(event.error!.next);
  };
  const texts: string[] = [];
  for await (const { payload } of client.firehose({ from: { offset: 11 }, gap: 'continue', follow: false, onEvent }))
    texts.push(payload.text);
  expect([gaps, texts]).toEqual([[30], ['30', '31', '32']]);
});

/** Makes the log forget all that it has of results-1. */
async function retireAll({ folder, log }: TestNode): Promise<void> {
  const { definition } = await log.describeTopic(RESULTS_TOPIC);
  const second = await openEmbeddedLog({ folder: join(folder, 'log'), retentionIntervalMs: 20 });
  try {
    await second.alterTopic({ ...definition, retentionMs: 1 });
    await expect
      .poll(async () => (await log.watermarks(RESULTS_TOPIC)).map(({ earliest }) => earliest), PATIENCE)
      .toEqual([30]);
    await second.alterTopic(definition);
  } finally {
    await second.close();
  }
}
