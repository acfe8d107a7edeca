/**
 * Nobody is believed for being on the log: what is forged or replayed there is refused by every service that meets it, and
 * nobody reads what is another's, by any id, name or position.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleImage } from '../../gateway/testing/sample-image.ts';
import type { Grants } from '../../protocol/claims/grant.ts';
import { openTokenKeys } from '../../protocol/claims/keys.ts';
import { mintToken } from '../../protocol/claims/token.ts';
import { type EventContext, packEvent, payloadOf, unpackEvent } from '../../protocol/envelope.ts';
import type { Message } from '../../protocol/frames.ts';
import { DeadLetter } from '../../protocol/generated/deadletter/v1m0/deadletter_pb.js';
import { ImageAccepted, IngestedImage } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import { openEmbeddedLog } from '../../protocol/log/embedded/open.ts';
import type { Log, ProduceRecord } from '../../protocol/log/log.ts';
import { readToEnd } from '../../protocol/log/read-to-end.ts';
import { DEAD_LETTER_TOPIC, INGEST_TOPIC, RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { newMessageId } from '../../protocol/message-id.ts';
import { openSealingKeys, sealSecret } from '../../protocol/webhook/sealing.ts';
import { readFirehose } from '../harness/firehose-reader.ts';
import { type SluiceProcess, startSluice } from '../harness/sluice-process.ts';

const HOUR = 3_600_000;
const MARK = 'FORGED';

let data: string;
let sluice: SluiceProcess;
let log: Log;
let receiver: Server;
let pushed = '';
let image: Buffer;
let ada: string;
let eve: string;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'sluice-trust-'));
  receiver = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text) => {
      pushed += text;
    });
    request.on('end', () => response.writeHead(204).end());
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  sluice = await startSluice(['up', '--data', data, '--port', '0', '--log-level', 'warn'], {
    SLUICE_VISION_SERVICES: 'synthetic',
    SLUICE_VISION_SYNTHETIC_RESULTS: '1',
    SLUICE_PUSH_ALLOW_LOOPBACK: 'true',
  });
  log = await openEmbeddedLog({ folder: join(data, 'log') });
  image = await sampleImage('image/png');
  ada = await token('ada');
  eve = await token('eve');
}, 120_000);
afterAll(async () => {
  await log?.close();
  await sluice?.kill();
  receiver.close();
  await rm(data, { recursive: true });
});

/** A token that grants everything, the client's own webhook included. */
async function token(client: string): Promise<string> {
  const sealing = await openSealingKeys(join(data, 'keys'));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/${client}`;
  const secrets = [
    { sealed: await sealSecret(sealing, client, `whsec_${Buffer.alloc(32, client).toString('base64')}`) },
  ];
  const push = { url, types: [], mode: 'full', rate: 0, verified: 1, secrets };
  const grants: Grants = { 'ingest-1': {}, 'synthetic-1': {}, 'summary-1': {}, 'firehose-1': {}, 'push-1': push };
  const issuedAt = Date.now();
  const keys = await openTokenKeys(join(data, 'keys'));
  return mintToken(keys, { client, grants, issuedAt, expiresAt: issuedAt + HOUR });
}

const ask = (method: string, path: string, bearer: string, body?: object) =>
  fetch(`${sluice.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });

// biome-ignore lint/suspicious/noExplicitAny: JSON of any shape
const json = async (...request: Parameters<typeof ask>): Promise<any> => (await ask(...request)).json();

async function submit(bearer: string, transaction: string): Promise<string> {
  const response = await fetch(`${sluice.url}/v1/transactions/${transaction}/images`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'image/png' },
    body: new Uint8Array(image),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as { images: { image: string }[] }).images[0]!.image;
}

/** Until the transaction has been summed up. */
const summarised = (bearer: string, transaction: string): Promise<Message[]> =>
  readFirehose(
    sluice.url,
    bearer,
    (seen) => seen.some((m) => m.type === 'summary.v1m0.TransactionSummary' && m.transaction === transaction),
    60_000,
  );

async function recordsOf(topic: string): Promise<{ key: string; value: Buffer }[]> {
  const records: { key: string; value: Buffer }[] = [];
  await readToEnd(log, topic, ({ key, value }) => value !== null && records.push({ key, value }));
  return records;
}

const deadLetters = async () => (await recordsOf(DEAD_LETTER_TOPIC)).map(({ value }) => DeadLetter.fromBinary(value));

function tampered(jwe: string): string {
  const at = jwe.lastIndexOf('.') - 20;
  return `${jwe.slice(0, at)}${jwe[at] === 'A' ? 'B' : 'A'}${jwe.slice(at + 1)}`;
}

const context = (client: string, bearer: string, correlationId = 't'): EventContext => ({
  correlationId,
  client,
  token: bearer,
  traceparent: '',
});

/** Says of a transaction that there is one more image, and what is written on it. */
function forgedResults(key: string, of: EventContext): ProduceRecord[] {
  const eventTime = Date.now();
  const imageId = newMessageId(eventTime);
  const accepted = ImageAccepted.create({ imageId, mediaType: 'image/png', name: MARK, services: ['synthetic'] });
  const line = TextLine.create({ imageId, index: 0, label: 'text', confidence: 1, text: MARK });
  return [
    {
      key,
      value: packEvent(of, { messageId: newMessageId(eventTime), eventTime, type: ImageAccepted, message: accepted }),
    },
    { key, value: packEvent(of, { messageId: newMessageId(eventTime), eventTime, type: TextLine, message: line }) },
  ];
}

test('forged and replayed records of results-1: set aside by the firehose, in no journal, summary or delivery', {
  timeout: 120_000,
}, async () => {
  await submit(ada, 't');
  await summarised(ada, 't');
  const genuine = (await recordsOf(RESULTS_TOPIC)).filter(({ key }) => key === 'ada');
  const taken = genuine.map(({ value }) => unpackEvent(value)).find(({ type }) => type === ImageAccepted.typeName)!;
  const readdressed = packEvent(context('eve', ada), {
    messageId: newMessageId(Date.now()),
    eventTime: taken.eventTime,
    type: ImageAccepted,
    message: payloadOf(taken, ImageAccepted),
  });
  const before = (await deadLetters()).length;

  const forgeries = [
    ...forgedResults('ada', context('ada', tampered(ada))),
    ...forgedResults('ada', context('ada', eve)),
    ...forgedResults('ada', context('eve', eve)),
    ...genuine.map(({ value }) => ({ key: 'eve', value })),
    { key: 'eve', value: readdressed },
  ];
  await log.produce(RESULTS_TOPIC, forgeries);
  // The same again, byte for byte, is no forgery: it is a repeat.
  await log.produce(RESULTS_TOPIC, genuine);
  await submit(ada, 'afterwards');
  await submit(eve, 'afterwards');

  const [adas, eves] = [await summarised(ada, 'afterwards'), await summarised(eve, 'afterwards')];
  const letters = (await deadLetters()).slice(before);
  expect(letters.every(({ service }) => service === 'firehose')).toBe(true);
  const details = letters.map(({ detail }) => detail);
  expect(details.filter((detail) => detail.includes("carries a token of 'eve'"))).toHaveLength(2);
  expect(details.filter((detail) => detail.includes("carries a token of 'ada'"))).toHaveLength(1);
  expect(details.filter((detail) => detail.includes("the record's key"))).toHaveLength(2 + genuine.length);
  expect(letters).toHaveLength(forgeries.length);
  expect(letters.map(({ value }) => Buffer.from(value).toString('hex')).sort()).toEqual(
    forgeries.map(({ value }) => Buffer.from(value!).toString('hex')).sort(),
  );

  expect(JSON.stringify([adas, eves])).not.toContain(MARK);
  expect(new Set(adas.map(({ id }) => id)).size).toBe(adas.length);
  expect(new Set(eves.map(({ transaction }) => transaction))).toEqual(new Set(['afterwards']));
  const summaries = adas.filter(({ type, transaction }) => type.endsWith('TransactionSummary') && transaction === 't');
  expect(summaries.map(({ payload }) => payload.images.length)).toEqual([1]);
  await expect.poll(() => pushed).toContain(adas.at(-1)!.id);
  expect(pushed).not.toContain(MARK);
  for (const { id } of adas.filter(({ transaction }) => transaction === 't'))
    expect(pushed.split(`"id":"${id}"`).length, id).toBeLessThanOrEqual(2);
});

test('forged records of ingest-1 are set aside by vision, and nobody is told of them', {
  timeout: 120_000,
}, async () => {
  const before = (await deadLetters()).length;
  const messageOf = (mark: string) =>
    IngestedImage.create({
      imageId: newMessageId(Date.now()),
      mediaType: mark,
      content: { oneofKind: 'inline', inline: image },
    });
  const record = (of: EventContext): ProduceRecord => {
    const message = messageOf('image/png');
    return {
      key: 'forged',
      value: packEvent(of, { messageId: message.imageId, eventTime: Date.now(), type: IngestedImage, message }),
    };
  };
  await log.produce(INGEST_TOPIC, [
    record(context('ada', tampered(ada), 'forged')),
    record(context('ada', eve, 'forged')),
    record(context('eve', ada, 'forged')),
  ]);
  await expect.poll(async () => (await deadLetters()).length).toBe(before + 3);
  const letters = (await deadLetters()).slice(before);
  expect(letters.map(({ service }) => service)).toEqual(Array(3).fill('vision-synthetic-1.0'));
  expect(letters.slice(1).map(({ detail }) => detail)).toEqual(
    Array(2).fill('the token belongs to another client than the message'),
  );
  for (const bearer of [ada, eve]) expect((await ask('GET', '/v1/transactions/forged', bearer)).status).toBe(404);
});

describe('what is another client’s', () => {
  test('transactions, consumers and connections are not found, and stay as they are', async () => {
    await submit(ada, 'private');
    await summarised(ada, 'private');
    const offset = (await json('GET', '/v1/transactions/private', ada)).offset;
    expect((await ask('PUT', '/v1/consumers/ledger', ada, { offset })).status).toBe(200);
    const aborted = new AbortController();
    const open = await fetch(`${sluice.url}/v1/firehose?from=latest`, {
      headers: { authorization: `Bearer ${ada}` },
      signal: aborted.signal,
    });
    const { connections } = await json('GET', '/v1/connections', ada);
    expect(connections).toHaveLength(1);

    expect((await ask('GET', '/v1/transactions/private', eve)).status).toBe(404);
    expect(JSON.stringify(await json('GET', '/v1/transactions', eve))).not.toContain('private');
    expect((await ask('GET', '/v1/consumers/ledger', eve)).status).toBe(404);
    expect(await json('GET', '/v1/consumers', eve)).toEqual({ consumers: [] });
    expect((await ask('DELETE', '/v1/consumers/ledger', eve)).status).toBeLessThan(500);
    expect((await json('GET', '/v1/consumers/ledger', ada)).offset).toBe(offset);
    // A name that eve has not used yet begins a consumer of her own, at the beginning of her own journal.
    const byName = await ask('POST', '/v1/firehose', eve, { from: { consumer: 'ledger' }, follow: false });
    expect(await byName.text()).not.toContain('private');

    const { stream } = connections[0];
    expect(await json('GET', '/v1/connections', eve)).toEqual({ connections: [] });
    expect((await ask('DELETE', `/v1/connections/${stream}`, eve)).status).toBe(404);
    expect((await ask('PATCH', `/v1/firehose/${stream}`, eve, { kind: 'pause' })).status).toBe(404);
    expect((await json('GET', '/v1/connections', ada)).connections[0].paused).toBe(false);
    aborted.abort();
    await open.body?.cancel().catch(() => {});
  });

  test('positions lead into the own journal alone, by every way of reading', async () => {
    const adas = await summarised(ada, 'private');
    const ids = adas.map(({ id }) => id);
    // Every offset of ada's, also as a resumption of eve's own stream.
    for (const { offset } of [adas[0]!, adas.at(-1)!]) {
      const plain = await ask('POST', '/v1/firehose', eve, { from: { offset }, follow: false });
      const events = await fetch(`${sluice.url}/v1/firehose?follow=false`, {
        headers: { authorization: `Bearer ${eve}`, accept: 'text/event-stream', 'last-event-id': `x:${offset}` },
      });
      const durable = await ask('GET', `/v1/durable/messages?offset=${offset}`, eve);
      for (const response of [plain, events, durable]) {
        expect([200, 204, 400, 409, 416]).toContain(response.status);
        const text = await response.text();
        for (const id of ids) expect(text).not.toContain(id);
      }
    }
    const all = await ask('GET', '/v1/durable/messages?offset=-1', eve);
    expect(all.status).toBe(200);
    const text = await all.text();
    expect(text).toContain('afterwards');
    for (const id of ids) expect(text).not.toContain(id);
  });

  test('deliveries that were given up and usage are the own', async () => {
    for (const path of ['/v1/webhook/dead-letters', '/v1/webhook/delivery', '/v1/usage', '/v1/webhook']) {
      const response = await ask('GET', path, eve);
      expect([200, 404]).toContain(response.status);
      expect(await response.text()).not.toMatch(/ada/);
    }
    expect((await ask('POST', '/v1/webhook/dead-letters/1/replay', eve, {})).status).toBe(404);
  });
});
