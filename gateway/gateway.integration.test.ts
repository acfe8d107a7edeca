/** The gateway over real HTTP in front of the real embedded log. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { payloadOf, unpackEvent } from '../protocol/envelope.ts';
import { ImageAccepted, IngestedImage } from '../protocol/generated/ingest/v1m0/ingest_pb.js';
import { INGEST_TOPIC, RESULTS_TOPIC } from '../protocol/log/topics.ts';
import { newMessageId } from '../protocol/message-id.ts';
import { openTestLog, type TestLog } from './testing/embedded-log.ts';
import { type GatewayFixture, openGateway } from './testing/gateway-fixture.ts';
import { sampleImage } from './testing/sample-image.ts';

const CLIENTS = ['alice', 'bob', 'carol'];
const IMAGES = 20;

let log: TestLog;
let gateway: GatewayFixture;

beforeEach(async () => {
  log = await openTestLog();
  gateway = await openGateway(log.log, { maxImageBytes: 1 << 20 }, { listen: true });
});
afterEach(async () => {
  await gateway.close();
  await log.remove();
});

test('what was answered 202 lies on both topics, whole and once, and is still there when the log is opened again', async () => {
  const tokens = new Map(
    await Promise.all(CLIENTS.map(async (client) => [client, await gateway.token(client)] as const)),
  );
  const sent = await Promise.all(
    Array.from({ length: IMAGES }, async (_, n) => {
      const client = CLIENTS[n % CLIENTS.length]!;
      const content = await sampleImage(n % 2 === 0 ? 'image/jpeg' : 'image/webp', 20 + n, 30);
      const response = await fetch(`${gateway.url}/v1/transactions/t${n % 5}/images?name=${n}.bin`, {
        method: 'POST',
        headers: { authorization: `Bearer ${tokens.get(client)}`, 'content-type': 'application/octet-stream' },
        body: new Uint8Array(content),
      });
      expect(response.status).toBe(202);
      const body = (await response.json()) as { images: [{ image: string }] };
      return { id: body.images[0].image, client, transaction: `t${n % 5}`, content };
    }),
  );
  await log.reopen();

  const ingested = new Map(
    (await log.records(INGEST_TOPIC)).map((record) => {
      const event = unpackEvent(record.value);
      return [event.messageId, { key: record.key, event, image: payloadOf(event, IngestedImage) }];
    }),
  );
  const accepted = (await log.records(RESULTS_TOPIC)).map((record) => {
    const event = unpackEvent(record.value);
    return { key: record.key, event, image: payloadOf(event, ImageAccepted) };
  });
  expect(ingested.size).toBe(IMAGES);
  expect(accepted.length).toBe(IMAGES);
  for (const { id, client, transaction, content } of sent) {
    const { key, event, image } = ingested.get(id)!;
    expect([key, event.client, event.correlationId]).toEqual([transaction, client, transaction]);
    expect(image.content.oneofKind === 'inline' && content.equals(image.content.inline)).toBe(true);
    expect(createHash('sha256').update(content).digest().equals(image.sha256)).toBe(true);
    const [told] = accepted.filter((candidate) => candidate.image.imageId === id);
    expect([told!.key, told!.event.correlationId]).toEqual([client, transaction]);
  }
});

test.each(['order-7', newMessageId(Date.now())])(
  'a repeat under the key %s that comes to another gateway names the same images, so that journals drop it',
  async (key) => {
    const keys = { keysFolder: join(gateway.folder, 'keys') };
    const [one, other] = await Promise.all([openGateway(log.log, {}, keys), openGateway(log.log, {}, keys)]);
    try {
      const content = await sampleImage('image/png');
      const headers = {
        authorization: `Bearer ${await gateway.token('erin')}`,
        'content-type': 'image/png',
        'idempotency-key': key,
      };
      const url = '/v1/transactions/twice/images';
      const send = (to: GatewayFixture) => to.server.inject({ method: 'POST', url, headers, body: content });
      const [first, second] = [await send(one), await send(other)];
      expect([first.statusCode, second.statusCode]).toEqual([202, 202]);
      expect(second.json()).toEqual(first.json());
      const told = (await log.records(RESULTS_TOPIC)).map(({ value }) => unpackEvent(value));
      const ids = told.filter(({ client }) => client === 'erin').map(({ messageId }) => messageId);
      expect(ids.slice(-2)).toEqual([ids.at(-1), ids.at(-1)]);
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  },
);

test('a sender that goes away in the middle leaves nothing behind', async () => {
  const before = (await log.records(INGEST_TOPIC)).length;
  const jpeg = await sampleImage('image/jpeg', 400, 400);
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    `POST /v1/transactions/t/images HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.byteLength}\r\nAuthorization: Bearer ${await gateway.token('dave')}\r\n\r\n`,
  );
  socket.write(jpeg.subarray(0, jpeg.byteLength >> 1));
  await expect.poll(() => inFlight('requests')).toBe(1);
  socket.destroy();
  await expect.poll(() => inFlight('requests')).toBe(0);
  expect(await inFlight('bytes')).toBe(0);
  expect((await log.records(INGEST_TOPIC)).length).toBe(before);
});

test('an image that comes byte by byte is given up in time, and its place with it', async () => {
  const waits = { headersTimeoutMs: 1_000, requestTimeoutMs: 1_000, idleTimeoutMs: 5_000 };
  const impatient = await openGateway(log.log, {}, { listen: true, waits });
  try {
    const before = (await log.records(INGEST_TOPIC)).length;
    const jpeg = await sampleImage('image/jpeg', 400, 400);
    // Before the connection is there, which waits no longer than for headers either.
    const token = await impatient.token('dave');
    const socket = connect(Number(new URL(impatient.url).port), '127.0.0.1');
    let answer = '';
    socket
      .on('error', () => {})
      .on('data', (data) => {
        answer += data;
      });
    socket.write(
      `POST /v1/transactions/t/images HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.byteLength}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    let at = 0;
    const dribbling = setInterval(() => socket.write(jpeg.subarray(at, ++at)), 20);
    await expect.poll(() => inFlight('requests', impatient)).toBe(1);
    await once(socket, 'close');
    clearInterval(dribbling);
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n.*"\/problems\/request-timeout"/s);
    await expect.poll(() => inFlight('requests', impatient)).toBe(0);
    const refused = await impatient.metrics.getSingleMetric('sluice_gateway_refused_total')!.get();
    expect(refused.values.map(({ labels }) => labels)).toEqual([{ problem: 'request-timeout' }]);
    expect((await log.records(INGEST_TOPIC)).length).toBe(before);
  } finally {
    await impatient.close();
  }
});

test('a body that is too long without saying so is refused at the byte that is too much', async () => {
  const jpeg = await sampleImage('image/jpeg');
  let produced = 0;
  const endless = new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(produced === 0 ? jpeg : Buffer.alloc(64 << 10)));
      produced += 64 << 10;
      if (produced > 1 << 30) controller.error(new Error('the gateway reads on and on'));
    },
  });
  const outcome = await fetch(`${gateway.url}/v1/transactions/t/images`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await gateway.token('dave')}`, 'content-type': 'image/jpeg' },
    body: endless,
    duplex: 'half',
  } as RequestInit).then(
    async (response) => response.status,
    // The connection may be cut while the client still writes.
    () => 413,
  );
  expect(outcome).toBe(413);
  expect(produced).toBeLessThan(256 << 20);
});

async function inFlight(what: 'requests' | 'bytes', of = gateway): Promise<number> {
  const metric = await of.metrics.getSingleMetric(`sluice_gateway_in_flight_${what}`)!.get();
  return metric.values[0]!.value;
}
