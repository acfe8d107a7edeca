/** The firehose as a page reads it: Chromium's own EventSource, and the client library as the browser loads it. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestNode } from '../../firehose/testing/node.ts';
import { CHROMIUM_RUNS_HERE, launchChromium } from './chromium.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PATIENCE = { timeout: 60_000 };

interface Seen {
  readonly offset: number;
  readonly text: string;
  readonly id: string;
}

interface Hello {
  readonly epoch: string;
  readonly stream: string;
  readonly offset: number;
}

describe.skipIf(!CHROMIUM_RUNS_HERE)('the firehose in a browser', { timeout: 120_000 }, () => {
  let node: TestNode;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    [node, browser] = await Promise.all([
      TestNode.start({ heartbeatMs: 300, drainRetryMs: 50, drainSpreadMs: 50 }),
      launchChromium(),
    ]);
    page = await browser.newPage();
    // A page of the same origin, and the library's sources as any server of modules would give them to a browser.
    await page.route('**/page', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
    await page.route('**/*.ts', (route) => {
      const source = readFileSync(`${ROOT}${new URL(route.request().url()).pathname}`, 'utf8');
      return route.fulfill({ contentType: 'text/javascript', body: stripTypeScriptTypes(source) });
    });
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await node?.[Symbol.asyncDispose]();
  });

  const seen = () => page.evaluate(() => (globalThis as unknown as { seen: Seen[] }).seen);
  const hellos = () => page.evaluate(() => (globalThis as unknown as { hellos: Hello[] }).hellos);
  const texts = async () => (await seen()).map(({ text }) => text);
  const restart = async () => {
    const port = Number(new URL(node.url).port);
    await node.stopRole();
    await node.startRole({ port });
  };

  test('an EventSource that is cut off resumes by itself after the last message, by Last-Event-ID', async () => {
    const client = `ann-${randomUUID()}`;
    const token = await node.token(client);
    await node.produce(client, [{ text: 'one' }, { text: 'two' }]);
    await page.goto(`${node.url}/page`);
    await page.evaluate(`(${EVENT_SOURCE})('/v1/firehose?from=earliest&access_token=${token}')`);
    await expect.poll(texts, PATIENCE).toEqual(['one', 'two']);
    const { epoch, stream } = (await hellos())[0]!;
    expect(await seen()).toMatchObject((await seen()).map(({ offset }) => ({ id: `${epoch}:${offset}` })));
    await node.produce(client, [{ text: 'three' }]);
    await expect.poll(texts, PATIENCE).toEqual(['one', 'two', 'three']);
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${node.url}/v1/connections/${stream}`, { method: 'DELETE', headers })).ok).toBe(true);
    await node.produce(client, [{ text: 'four' }]);
    await expect.poll(texts, PATIENCE).toEqual(['one', 'two', 'three', 'four']);
    // The browser asked for what comes after the last event, not for the beginning that stands in the URL.
    expect((await hellos()).at(-1)!.offset).toBe((await seen())[2]!.offset);
  });

  test('a page that opens a refused EventSource anew after the last id misses nothing over a restart', async () => {
    const client = `cyd-${randomUUID()}`;
    await node.produce(client, [{ text: 'one' }, { text: 'two' }]);
    await page.goto(`${node.url}/page`);
    const token = await node.token(client);
    await page.evaluate(`(${EVENT_SOURCE})('/v1/firehose?access_token=${token}&from=earliest')`);
    await expect.poll(texts, PATIENCE).toEqual(['one', 'two']);
    await restart();
    await node.produce(client, [{ text: 'three' }]);
    await expect.poll(texts, PATIENCE).toEqual(['one', 'two', 'three']);
  });

  test('an EventSource that a node has no room for now comes back by itself after the last message', async () => {
    await using full = await TestNode.start({ maxStreams: 1, heartbeatMs: 300 });
    await full.produce('dan', [{ text: 'one' }, { text: 'two' }]);
    const token = await full.token('dan');
    await page.goto(`${full.url}/page`);
    await page.evaluate(`(${PLAIN_EVENT_SOURCE})('/v1/firehose?from=earliest&access_token=${token}')`);
    await expect.poll(texts, PATIENCE).toEqual(['one', 'two']);
    // Its place is taken, however quickly the browser may be back.
    const headers = { authorization: `Bearer ${token}` };
    const other = new AbortController();
    const takePlace = async () => {
      const { stream } = (await hellos()).at(-1)!;
      await fetch(`${full.url}/v1/connections/${stream}`, { method: 'DELETE', headers });
      return (await fetch(`${full.url}/v1/firehose`, { headers, signal: other.signal })).status;
    };
    await expect.poll(takePlace, PATIENCE).toBe(200);
    const reasons = () => page.evaluate(() => (globalThis as unknown as { goodbyes: string[] }).goodbyes);
    await expect.poll(reasons, PATIENCE).toContain('unavailable');
    other.abort();
    await full.produce('dan', [{ text: 'three' }]);
    await expect.poll(texts, PATIENCE).toEqual(['one', 'two', 'three']);
    expect((await hellos()).at(-1)!.offset).toBe((await seen())[1]!.offset);
  });

  test('the client library loads as it is, iterates, resumes over a restart and ends on abort', async () => {
    const client = `bob-${randomUUID()}`;
    await node.produce(client, [{ text: 'one' }, { text: 'two' }]);
    await page.goto(`${node.url}/page`);
    await page.evaluate(`(${CLIENT_LIBRARY})(${JSON.stringify({ url: node.url, token: await node.token(client) })})`);
    await expect.poll(texts, PATIENCE).toEqual(['one', 'two']);
    await restart();
    await node.produce(client, [{ text: 'three' }]);
    await expect.poll(texts, PATIENCE).toEqual(['one', 'two', 'three']);
    await page.evaluate('abort.abort()');
    await expect.poll(() => page.evaluate('ended'), PATIENCE).toBe(true);
  });
});

/** As docs/firehose.md tells pages to do it: any status but 200 ends an EventSource for good. */
const EVENT_SOURCE = `(url) => {
  Object.assign(globalThis, { seen: [], hellos: [] });
  let last;
  function open(address) {
    const source = new EventSource(address);
    source.onmessage = ({ data, lastEventId }) => {
      const { offset, payload } = JSON.parse(data);
      seen.push({ offset, text: payload.text, id: lastEventId });
      last = lastEventId;
    };
    source.addEventListener('hello', ({ data }) => hellos.push(JSON.parse(data)));
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(open, 200, last === undefined ? address : url.replace('from=earliest', 'from=' + last));
    };
  }
  open(url);
}`;

/** With nothing that would open it anew. */
const PLAIN_EVENT_SOURCE = `(url) => {
  Object.assign(globalThis, { seen: [], hellos: [], goodbyes: [] });
  const source = new EventSource(url);
  source.onmessage = ({ data, lastEventId }) => {
    const { offset, payload } = JSON.parse(data);
    seen.push({ offset, text: payload.text, id: lastEventId });
  };
  source.addEventListener('hello', ({ data }) => hellos.push(JSON.parse(data)));
  source.addEventListener('goodbye', ({ data }) => goodbyes.push(JSON.parse(data).reason));
}`;

/** A string, so that nothing but the browser resolves the import. */
const CLIENT_LIBRARY = `async ({ url, token }) => {
  const { createClient } = await import('/sdk/client/client.ts');
  Object.assign(globalThis, { seen: [], ended: false, abort: new AbortController() });
  (async () => {
    for await (const { offset, id, payload } of createClient({ url, token }).firehose({ from: 'earliest', signal: abort.signal }))
      seen.push({ offset, id, text: payload.text });
    globalThis.ended = true;
  })();
}`;
