/** The diagram of the architecture shows who really writes and reads what: the metrics of a running deployment say so. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSluice, type SluiceProcess, startSluice } from '../harness/sluice-process.ts';
import { codeBlocksOf } from './code-blocks.ts';

const ARCHITECTURE = fileURLToPath(new URL('../../docs/architecture.md', import.meta.url));
const SAMPLE = fileURLToPath(new URL('../../vision/samples/card.jpg', import.meta.url));
/** What every image passes: of these topics everything that is drawn must have been seen. */
const WAY_OF_AN_IMAGE = ['ingest-1', 'results-1'];

let data: string;
let sluice: SluiceProcess;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'sluice-topology-'));
  sluice = await startSluice(['up', '--data', data, '--port', '0', '--vision-synthetic-enabled', 'true']);
}, 300_000);
afterAll(async () => {
  await sluice?.kill();
  await rm(data, { recursive: true, force: true });
});

test('what is drawn is what is connected', { timeout: 180_000 }, async () => {
  const token = runSluice(['token', '--client', 'topology', '--data', data]).trim();
  const submission = await fetch(`${sluice.url}/v1/transactions/t/images`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'image/jpeg' },
    body: await readFile(SAMPLE),
  });
  expect(submission.status).toBe(202);
  const drawn = await drawnEdges();
  const expected = drawn.filter(
    ({ edge, seldom }) => !seldom && WAY_OF_AN_IMAGE.some((topic) => edge.split(' ').includes(topic)),
  );
  await expect
    .poll(async () => [...(await seenEdges())].sort())
    .toEqual(expect.arrayContaining(expected.map(({ edge }) => edge)));
  expect([...(await seenEdges())].filter((seen) => !drawn.some(({ edge }) => edge === seen))).toEqual([]);
});

/** As 'role topic' for writing, 'topic role' for reading; dotted ones are seldom used. */
async function drawnEdges(): Promise<{ edge: string; seldom: boolean }[]> {
  const diagram = codeBlocksOf(await readFile(ARCHITECTURE, 'utf8')).find(({ language }) => language === 'mermaid');
  return [...diagram!.code.matchAll(/^\s*([\w-]+) (-->|-\.->) ([\w-]+)$/gm)].map(([, from, line, to]) => ({
    edge: `${from} ${to}`,
    seldom: line === '-.->',
  }));
}

async function seenEdges(): Promise<Set<string>> {
  const metrics = await (await fetch(`${sluice.url}/metrics`)).text();
  const edges = new Set<string>();
  for (const [, role, topic] of metrics.matchAll(/^sluice_log_produced_records_total\{role="(.+?)",topic="(.+?)"\}/gm))
    edges.add(`${role} ${topic}`);
  for (const [, role, topic] of metrics.matchAll(
    /^sluice_consumer_batch_records_count\{role="(.+?)",.*topic="(.+?)"\}/gm,
  ))
    edges.add(`${topic} ${role}`);
  // These two journal in threads that have logs of their own.
  for (const [role, journaled] of [
    ['firehose', 'sluice_firehose_journaled_messages_total'],
    ['push', 'sluice_push_journaled_total'],
  ])
    if (new RegExp(`^${journaled} `, 'm').test(metrics)) edges.add(`results-1 ${role}`);
  return edges;
}
