/** Nobody reads or changes what is another client's, by any id, name or position. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Client, openTrustBench, type TrustBench } from './trust-bench.ts';

let bench: TrustBench;
/** Has one transaction, `private`. */
let ada: Client;
let eve: Client;

beforeAll(async () => {
  bench = await openTrustBench();
});
beforeEach(async () => {
  ada = await bench.newClient('ada');
  eve = await bench.newClient('eve');
  await bench.submit(ada, 'private');
  await bench.summarised(ada, 'private');
});
afterAll(() => bench?.close());

test('transactions and consumers of another client are not found, and stay as they are', async () => {
  const { offset } = await bench.json('GET', '/v1/transactions/private', ada);
  expect((await bench.ask('PUT', '/v1/consumers/ledger', ada, { offset })).status).toBe(200);

  expect((await bench.ask('GET', '/v1/transactions/private', eve)).status).toBe(404);
  expect(JSON.stringify(await bench.json('GET', '/v1/transactions', eve))).not.toContain('private');
  expect((await bench.ask('GET', '/v1/consumers/ledger', eve)).status).toBe(404);
  expect(await bench.json('GET', '/v1/consumers', eve)).toEqual({ consumers: [] });
  expect((await bench.ask('DELETE', '/v1/consumers/ledger', eve)).status).toBeLessThan(500);
  expect((await bench.json('GET', '/v1/consumers/ledger', ada)).offset).toBe(offset);
  // A name that eve has not used yet begins a consumer of her own, at the beginning of her own journal.
  const byName = await bench.ask('POST', '/v1/firehose', eve, { from: { consumer: 'ledger' }, follow: false });
  expect(await byName.text()).not.toContain('private');
});

test('connections of another client are not found, and stay as they are', async () => {
  const leaving = new AbortController();
  const open = await fetch(`${bench.url}/v1/firehose?from=latest`, {
    headers: { authorization: `Bearer ${ada.token}` },
    signal: leaving.signal,
  });
  const connections = async () => (await bench.json('GET', '/v1/connections', ada)).connections;
  // Those of what was read before have ended, but the firehose may not have heard of it yet.
  await expect.poll(connections).toHaveLength(1);
  const [{ stream }] = await connections();
  expect(await bench.json('GET', '/v1/connections', eve)).toEqual({ connections: [] });
  expect((await bench.ask('DELETE', `/v1/connections/${stream}`, eve)).status).toBe(404);
  expect((await bench.ask('PATCH', `/v1/firehose/${stream}`, eve, { kind: 'pause' })).status).toBe(404);
  expect(await connections()).toMatchObject([{ stream, paused: false }]);
  leaving.abort();
  await open.body?.cancel().catch(() => {});
});

test("positions lead into the reader's own journal alone, by every way of reading", async () => {
  await bench.submit(eve, 'own');
  await bench.summarised(eve, 'own');
  const adas = await bench.summarised(ada, 'private');
  const ids = adas.map(({ id }) => id);
  // Ada's offsets, also as a resumption of eve's own stream.
  for (const { offset } of [adas[0]!, adas.at(-1)!]) {
    const plain = await bench.ask('POST', '/v1/firehose', eve, { from: { offset }, follow: false });
    const events = await fetch(`${bench.url}/v1/firehose?follow=false`, {
      headers: { authorization: `Bearer ${eve.token}`, accept: 'text/event-stream', 'last-event-id': `x:${offset}` },
    });
    const durable = await bench.ask('GET', `/v1/durable/messages?offset=${offset}`, eve);
    for (const response of [plain, events, durable]) {
      expect([200, 204, 400, 409, 416]).toContain(response.status);
      const text = await response.text();
      for (const id of ids) expect(text).not.toContain(id);
    }
  }
  const all = await bench.ask('GET', '/v1/durable/messages?offset=-1', eve);
  expect(all.status).toBe(200);
  const text = await all.text();
  expect(text).toContain('own');
  for (const id of ids) expect(text).not.toContain(id);
});

test('deliveries that were given up, and usage, are shown to their client alone', async () => {
  for (const path of ['/v1/webhook/dead-letters', '/v1/webhook/delivery', '/v1/usage', '/v1/webhook']) {
    const response = await bench.ask('GET', path, eve);
    expect([200, 404]).toContain(response.status);
    expect(await response.text()).not.toContain(ada.id);
  }
  expect((await bench.ask('POST', '/v1/webhook/dead-letters/1/replay', eve, {})).status).toBe(404);
});
