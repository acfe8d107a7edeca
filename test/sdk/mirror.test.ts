/** `sluice mirror folder`: the copy is the firehose, whatever happens to the one who copies. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { TestNode } from '../../firehose/testing/node.ts';
import { createClient } from '../../sdk/client/client.ts';
import { mirror } from '../../sdk/client/mirror.ts';
import { ForeignFolderError, openNdjsonFolder } from '../../sdk/mirror/ndjson-folder.ts';
import { mirrorThroughKills } from '../harness/mirror-load.ts';
import { RunningCommand } from '../harness/run-command.ts';

let node: TestNode;
let folder: string;
beforeAll(async () => {
  node = await TestNode.start({ heartbeatMs: 200 });
});
afterAll(() => node[Symbol.asyncDispose]());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-mirror-'));
});
afterEach(() => rm(folder, { recursive: true }));

const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => ({ text: `${from + n}` }));

async function linesOf(copy: string): Promise<string[]> {
  const names = (await readdir(copy)).filter((name) => name.endsWith('.ndjson')).sort();
  const files = await Promise.all(names.map((name) => readFile(join(copy, name), 'utf8')));
  return files.flatMap((text) => text.split('\n').slice(0, -1));
}

const textsOf = async (copy: string) => (await linesOf(copy)).map((line) => JSON.parse(line).payload.text);

test('killed again and again under load it holds every message once, in order', { timeout: 120_000 }, async () => {
  const reader = `killed-${randomUUID()}`;
  const expected = await mirrorThroughKills(node, reader, ['folder', folder, '--file-size', '1'], { kills: 8 });
  expect(expected.length).toBeGreaterThan(100);
  expect(await linesOf(folder)).toEqual(expected);
});

test('cut anywhere and started again it goes on where it was, over many files', async () => {
  const reader = `cyd-${randomUUID()}`;
  await node.produce(reader, numbered(0, 40));
  const client = createClient({ url: node.url, token: await node.token(reader) });
  for (const cut of [7, 16, undefined]) {
    const target = await openNdjsonFolder(folder, 2_000);
    const position = await target.position();
    const until = cut === undefined ? {} : { until: { offset: (position?.offset ?? -1) + cut } };
    await mirror(client, target, { follow: false, batch: 3, ...until });
    await target.close();
  }
  expect(await textsOf(folder)).toEqual(numbered(0, 40).map(({ text }) => text));
  expect((await readdir(folder)).length).toBeGreaterThan(3);
});

test('what a crash left behind the position is cut off', async () => {
  const reader = `dot-${randomUUID()}`;
  await node.produce(reader, numbered(0, 5));
  const client = createClient({ url: node.url, token: await node.token(reader) });
  const first = await openNdjsonFolder(folder);
  await mirror(client, first, { follow: false });
  await first.close();
  const [file] = (await readdir(folder)).filter((name) => name.endsWith('.ndjson'));
  await writeFile(join(folder, file!), `{"kind":"message","half${'x'.repeat(100_000)}`, { flag: 'a' });
  await node.produce(reader, numbered(5, 7));
  const second = await openNdjsonFolder(folder);
  await mirror(client, second, { follow: false });
  await second.close();
  expect(await textsOf(folder)).toEqual(['0', '1', '2', '3', '4', '5', '6']);
});

test('the position moves past what a filter drops, so that it is not read again', async () => {
  const reader = `eve-${randomUUID()}`;
  const produced = await node.produce(reader, numbered(0, 30));
  const client = createClient({ url: node.url, token: await node.token(reader) });
  const target = await openNdjsonFolder(folder);
  const abort = new AbortController();
  const running = mirror(client, target, {
    filter: { expression: 'payload.text == "3"' },
    positionMs: 10,
    signal: abort.signal,
  });
  const end = produced.at(-1)!.offset;
  await expect.poll(async () => (await target.position())?.offset).toBe(end);
  abort.abort();
  expect(await running).toBe(1);
  await target.close();
  expect(await textsOf(folder)).toEqual(['3']);
  expect(await (await openNdjsonFolder(folder)).position()).toMatchObject({ offset: end });
});

test('a folder whose position is gone is not continued', async () => {
  await writeFile(join(folder, `messages-e1-${'0'.repeat(16)}.ndjson`), '{}\n');
  await expect(openNdjsonFolder(folder)).rejects.toThrow(ForeignFolderError);
});

test('of two mirrors into one folder the second is refused, and the first ends with 0 on SIGTERM', async () => {
  const reader = `fay-${randomUUID()}`;
  await node.produce(reader, numbered(0, 3));
  const environment = { SLUICE_URL: node.url, SLUICE_TOKEN: await node.token(reader) };
  const first = new RunningCommand(['mirror', 'folder', folder], environment);
  await expect.poll(() => textsOf(folder)).toEqual(['0', '1', '2']);
  const second = new RunningCommand(['mirror', 'folder', folder], environment);
  expect(await second.ended).toBe(2);
  expect(second.stderr).toMatch(/another process is mirroring into/);
  expect(await first.kill('SIGTERM')).toBe(0);
});
