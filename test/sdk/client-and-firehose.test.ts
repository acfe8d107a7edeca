/** The client library against a real firehose: what it promises about restarts, consumers and mirrors. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestNode } from '../../firehose/testing/node.ts';
import { createClient } from '../../sdk/client/client.ts';
import { mirror } from '../../sdk/client/mirror.ts';
import { isMessageOf } from '../../sdk/client/payloads.ts';
import { openNdjsonFolder } from '../../sdk/mirror/ndjson-folder.ts';

let node: TestNode;
beforeAll(async () => {
  node = await TestNode.start({ heartbeatMs: 300, drainRetryMs: 20, drainSpreadMs: 50 });
});
afterAll(() => node[Symbol.asyncDispose]());

const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => ({ text: `${from + n}` }));

test('an iteration outlives a restart of the node and sees every message once', async () => {
  await node.produce('ann', numbered(0, 5));
  // The node comes back on another port: the library asks for the URL anew only through its fetch.
  const fetchThere: typeof fetch = (input, init) => fetch(String(input).replace('http://there', node.url), init);
  const client = createClient({ url: 'http://there', token: await node.token('ann'), fetch: fetchThere });
  const seen: string[] = [];
  for await (const message of client.firehose({ from: 'earliest' })) {
    if (isMessageOf(message, 'ocr.v1m0.TextLine')) seen.push(message.payload.text);
    if (seen.length === 5) {
      void node
        .stopRole()
        .then(() => node.startRole())
        .then(() => node.produce('ann', numbered(5, 10)));
    }
    if (seen.length === 10) break;
  }
  expect(seen).toEqual(numbered(0, 10).map(({ text }) => text));
});

test('a named consumer goes on after what it has handled, not after what it has received', async () => {
  await node.produce('bob', numbered(0, 10));
  const client = createClient({ url: node.url, token: await node.token('bob') });
  const options = { from: { consumer: 'w' }, follow: false, checkpointMs: 0 } as const;
  const first: string[] = [];
  for await (const { payload } of client.firehose(options)) {
    first.push(payload.text);
    // Leaving here is as a crash while the fourth message is in work.
    if (first.length === 4) break;
  }
  const second: string[] = [];
  for await (const { payload } of client.firehose(options)) second.push(payload.text);
  expect(second).toEqual(['3', '4', '5', '6', '7', '8', '9']);
});

test('a mirror that is cut anywhere and started again holds every message once, in order', async () => {
  await node.produce('cyd', numbered(0, 40));
  const client = createClient({ url: node.url, token: await node.token('cyd') });
  const folder = await mkdtemp(join(tmpdir(), 'sluice-mirror-'));
  try {
    for (const cut of [7, 16, undefined]) {
      const target = await openNdjsonFolder(folder, 2_000);
      const position = await target.position();
      const until = cut === undefined ? {} : { until: { offset: (position?.offset ?? -1) + cut } };
      await mirror(client, target, { follow: false, batch: 3, ...until });
      await target.close();
    }
    const lines = readdirSync(folder)
      .filter((name) => name.endsWith('.ndjson'))
      .sort()
      .flatMap((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'));
    expect(lines.map((line) => JSON.parse(line).payload.text)).toEqual(numbered(0, 40).map(({ text }) => text));
  } finally {
    await rm(folder, { recursive: true });
  }
});
