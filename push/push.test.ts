/** Push against a real receiver process that behaves, and misbehaves, in every way. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadConfig } from '../protocol/config/load.ts';
import { type Event, payloadJson, unpackEvent } from '../protocol/envelope.ts';
import { createHttpServer } from '../protocol/http/server.ts';
import { CLIENTS_TOPIC, RESULTS_TOPIC } from '../protocol/log/topics.ts';
import type { RunningRole } from '../protocol/role.ts';
import { newSecret } from '../protocol/webhook/sealing.ts';
import { webhookRecord } from '../protocol/webhook/webhook-record.ts';
import { PushConfig } from './config.ts';
import { startPush } from './main.ts';
import type { Behaviour } from './testing/behaviour.ts';
import { type Deployment, openDeployment, quiet, type WebhookOfTest } from './testing/deployment.ts';
import { acceptedOffsets, type Receiver, startReceiver } from './testing/receiver.ts';

const WAIT = { timeout: 20_000, interval: 20 };

let deployment: Deployment;
let receiver: Receiver;
let push: RunningRole;
let server: ReturnType<typeof createHttpServer>;
let base: string;
let epoch: string;
const notices: Event[] = [];

const CONFIG = {
  allowLoopback: true,
  groupMs: 50,
  retryScheduleMs: [20, 20, 20, 20],
  requestTimeoutMs: 400,
  connectTimeoutMs: 400,
  parkAfterMs: 150,
  breaker: { openMs: 50, maxOpenMs: 200 },
  batch: { messages: 10, waitMs: 100 },
  maxRetryAfterMs: 1000,
};

function config(more: object = {}): PushConfig {
  return loadConfig(PushConfig, { flags: {}, environment: {}, file: { ...CONFIG, ...more } });
}

beforeAll(async () => {
  [deployment, receiver] = await Promise.all([openDeployment(), startReceiver()]);
  push = await startPush(deployment.context, config());
  server = createHttpServer({ logger: quiet as never, bodyLimit: 1 << 20 });
  await server.register(push.routes!);
  base = await server.listen({ host: '127.0.0.1', port: 0 });
  ({ epoch } = await deployment.log.describeTopic(RESULTS_TOPIC));
  await deployment.log.follow({
    topic: RESULTS_TOPIC,
    from: new Map([
      [0, 0],
      [1, 0],
    ]),
    onBatch: async ({ records }) => {
      for (const record of records) {
        const event = unpackEvent(record.value);
        if (event.type.startsWith('push.')) notices.push(event);
      }
    },
  });
});
afterAll(async () => {
  await server.close();
  await push.stop();
  await receiver.stop();
  await deployment.remove();
});

interface Client {
  readonly name: string;
  readonly path: string;
  readonly token: string;
  produce(transactions: readonly string[], text?: string): Promise<number[]>;
}

let clients = 0;

/** A client of this test alone, with its own path at the receiver. */
async function newClient(webhook: Partial<WebhookOfTest> = {}, origin = receiver.http): Promise<Client> {
  const name = `client-${clients++}`;
  const path = `/${name}`;
  const secrets = [newSecret()];
  receiver.expectSecrets(path, secrets);
  const token = await deployment.token(name, { url: origin + path, secrets, ...webhook });
  return {
    name,
    path,
    token,
    async produce(transactions, text) {
      const produced = await deployment.produce(name, token, transactions, text);
      return produced.map(({ offset }) => offset);
    },
  };
}

const sequence = (count: number, transactions = 1) => Array.from({ length: count }, (_, i) => `t${i % transactions}`);

// biome-ignore lint/suspicious/noExplicitAny: the JSON of any answer
async function ask(client: Client, method: 'GET' | 'POST', url: string, body?: object): Promise<any> {
  const response = await fetch(base + url, {
    method,
    headers: {
      authorization: `Bearer ${client.token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, ...((await response.json()) as object) };
}

function noticesOf(client: Client): { type: string; payload: Record<string, unknown> }[] {
  return notices
    .filter((event) => event.client === client.name)
    .map((event) => ({ type: event.type, payload: payloadJson(event) as Record<string, unknown> }));
}

describe('what is pushed', () => {
  test('each message, signed with every secret in use, with its place on the firehose', async () => {
    const secrets = [newSecret(), newSecret()];
    const client = await newClient({ secrets });
    receiver.expectSecrets(client.path, secrets);
    const unpushed = await deployment.token(client.name, undefined);
    const [before] = await deployment.produce(client.name, unpushed, ['t']);
    const first = await client.produce(['t', 't']);
    const [between] = await deployment.produce(client.name, unpushed, ['t']);
    const last = await client.produce(['t']);
    const requests = await receiver.until(client.path, (all) => all.length >= 3);
    expect(requests.map(({ signed, signatures }) => [signed, signatures])).toEqual(Array(3).fill([true, 2]));
    expect(requests.map(({ body }) => [body.epoch, body.prev, body.offset])).toEqual([
      [epoch, before!.offset, first[0]],
      [epoch, first[0], first[1]],
      [epoch, between!.offset, last[0]],
    ]);
    expect(requests.map(({ id }) => id)).toEqual(requests.map(({ body }) => body.id));
    expect(requests[0]!.body).toMatchObject({ kind: 'message', transaction: 't', payload: { text: 'x' } });
  });

  test('only the types that the client wants', async () => {
    const client = await newClient({ types: ['barcode.*'] });
    const wanted = await newClient({ types: ['ocr.*'] });
    await client.produce(['t']);
    await wanted.produce(['t']);
    await receiver.until(wanted.path, (all) => all.length === 1);
    await expect(receiver.received(client.path)).resolves.toEqual([]);
  });

  test('several messages in one request, in mode batch', async () => {
    const client = await newClient({ mode: 'batch' });
    const offsets = await client.produce(sequence(25, 3));
    const requests = await receiver.until(client.path, (all) => all.flatMap(({ body }) => body.messages).length >= 25);
    expect(requests.length).toBeLessThan(25);
    expect(Math.max(...requests.map(({ body }) => body.messages.length))).toBeLessThanOrEqual(10);
    expect(requests.every(({ signed }) => signed)).toBe(true);
    expect(requests[0]!.body).toMatchObject({ kind: 'batch', epoch });
    const messages: { offset: number; transaction: string }[] = requests.flatMap(({ body }) => body.messages);
    expect(messages.map(({ offset }) => offset).sort((a, b) => a - b)).toEqual(offsets);
    for (const transaction of ['t0', 't1', 't2']) {
      const own = messages.filter((it) => it.transaction === transaction).map(({ offset }) => offset);
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
  });

  test('only word that there is something, in mode thin', async () => {
    const client = await newClient({ mode: 'thin' });
    const offsets = await client.produce(sequence(30, 3));
    const requests = await receiver.until(client.path, (all) => all.at(-1)?.body.offset === offsets.at(-1));
    expect(requests.length).toBeLessThan(10);
    expect(requests[0]!.body).toEqual({
      kind: 'notification',
      epoch,
      offset: expect.any(Number),
      messages: expect.any(Number),
    });
  });

  test('not faster than the client asks for', async () => {
    const client = await newClient({ rate: 40 });
    await client.produce(sequence(40, 40));
    const requests = await receiver.until(client.path, (all) => all.length >= 40);
    const span = requests.at(-1)!.at - requests[0]!.at;
    // All at once they would take a few milliseconds; how late the first one came is the machine's matter.
    expect(span).toBeGreaterThan(39 * 25 * 0.5);
  });
});

describe('a receiver that fails', () => {
  test.each<[string, Behaviour, string]>([
    ['answers 500', { kind: 'status', status: 500 }, '500'],
    ['answers 404', { kind: 'status', status: 404 }, '404'],
    ['redirects', { kind: 'status', status: 302, headers: { location: '/client-0' } }, '302'],
    ['hangs', { kind: 'hang' }, 'timeout'],
    ['drips its answer', { kind: 'drip' }, 'timeout'],
    ['resets the connection', { kind: 'reset' }, 'connection reset'],
    ['speaks no HTTP', { kind: 'garbage' }, 'the answer is not HTTP'],
  ])('%s: what it has not taken comes again when it is back, in order', async (_name, behaviour, cause) => {
    const client = await newClient();
    receiver.behave(client.path, behaviour);
    const offsets = await client.produce(sequence(6, 2));
    await receiver.until(client.path, (all) => all.length >= 2);
    await vi.waitFor(
      async () => expect(await ask(client, 'GET', '/v1/webhook/delivery')).toMatchObject({ cause }),
      WAIT,
    );
    receiver.behave(client.path, { kind: 'accept' });
    await ask(client, 'POST', '/v1/webhook/dead-letters/replay', { since: new Date(0).toISOString() });
    const requests = await receiver.until(client.path, (all) => new Set(acceptedOffsets(all)).size === 6, 20_000);
    expect(new Set(acceptedOffsets(requests))).toEqual(new Set(offsets));
  });

  test('a message that fails holds up its own transaction and no other', async () => {
    const client = await newClient();
    receiver.behave(client.path, { kind: 'poison', containing: 'POISON' });
    const poison = await client.produce(['a'], 'POISON');
    const behind = await client.produce(['a', 'a']);
    const beside = await client.produce(sequence(20, 20));
    const requests = await receiver.until(client.path, (all) => acceptedOffsets(all).length >= 22);
    const order = requests.map(({ body }) => body.offset as number);
    const last = order.lastIndexOf(poison[0]!);
    expect(order.filter((offset) => offset === poison[0])).toHaveLength(5);
    for (const offset of behind) expect(order.indexOf(offset)).toBeGreaterThan(last);
    expect(order.indexOf(beside.at(-1)!)).toBeLessThan(last);
    expect(new Set(acceptedOffsets(requests))).toEqual(new Set([...behind, ...beside]));
  });

  test('a message given up is a dead letter, told on the firehose, and can be pushed again', async () => {
    const client = await newClient();
    receiver.behave(client.path, { kind: 'poison', containing: 'POISON' });
    const [offset] = await client.produce(['a'], 'POISON');
    await vi.waitFor(async () => {
      const { dead_letters: deadLetters } = await ask(client, 'GET', '/v1/webhook/dead-letters');
      expect(deadLetters).toMatchObject([{ position: { epoch, offset }, attempts: 5, cause: '500', transaction: 'a' }]);
    }, WAIT);
    await vi.waitFor(
      () => expect(noticesOf(client).map(({ type }) => type)).toEqual(['push.v1m0.DeliveryFailed']),
      WAIT,
    );
    const [letter] = (await ask(client, 'GET', '/v1/webhook/dead-letters')).dead_letters;
    const stranger = await newClient();
    expect(await ask(stranger, 'POST', `/v1/webhook/dead-letters/${letter.id}/replay`, {})).toMatchObject({
      status: 404,
    });
    receiver.behave(client.path, { kind: 'accept' });
    expect(await ask(client, 'POST', `/v1/webhook/dead-letters/${letter.id}/replay`, {})).toMatchObject({
      status: 202,
    });
    const requests = await receiver.until(client.path, (all) => acceptedOffsets(all).length === 1);
    expect(new Set(requests.map(({ id }) => id))).toEqual(new Set([letter.message_id]));
    await vi.waitFor(
      async () => expect((await ask(client, 'GET', '/v1/webhook/dead-letters')).dead_letters).toEqual([]),
      WAIT,
    );
  });

  test('Retry-After is followed', async () => {
    const client = await newClient();
    receiver.behave(client.path, { kind: 'status', status: 429, headers: { 'retry-after': '1' } });
    await client.produce(sequence(10, 10));
    const [first] = await receiver.until(client.path, (all) => all.length >= 1);
    receiver.behave(client.path, { kind: 'accept' });
    const requests = await receiver.until(client.path, (all) => acceptedOffsets(all).length >= 10);
    const later = requests.filter(({ accepted }) => accepted);
    expect(Math.min(...later.map(({ at }) => at)) - first!.at).toBeGreaterThan(900);
  });

  test('an answer without end is cut off, and what it accepted is accepted', async () => {
    const client = await newClient();
    receiver.behave(client.path, { kind: 'big', bytes: 1 << 20 });
    await client.produce(sequence(3));
    await receiver.until(client.path, (all) => all.length >= 3);
    await vi.waitFor(async () => expect((await ask(client, 'GET', '/v1/webhook/delivery')).waiting).toBe(0), WAIT);
    expect(await receiver.received(client.path)).toHaveLength(3);
  });

  test('a slow one is given few requests at once, a quick one more', async () => {
    const client = await newClient();
    receiver.behave(client.path, { kind: 'status', status: 503 });
    await client.produce(sequence(40, 40));
    const failing = await receiver.until(client.path, (all) => all.length >= 10);
    expect(Math.max(...failing.slice(4).map(({ concurrent }) => concurrent))).toBeLessThanOrEqual(4);
    receiver.behave(client.path, { kind: 'accept', delayMs: 5 });
    await ask(client, 'POST', '/v1/webhook/dead-letters/replay', { since: new Date(0).toISOString() });
    await client.produce(sequence(400, 400));
    const requests = await receiver.until(client.path, (all) => new Set(acceptedOffsets(all)).size >= 400, 30_000);
    expect(Math.max(...requests.slice(-100).map(({ concurrent }) => concurrent))).toBeGreaterThan(6);
  });
});

describe('the endpoint', () => {
  test('parks, says from where to read the firehose, and goes on from where its client says', async () => {
    const client = await newClient();
    const early = await client.produce(['a', 'a']);
    await receiver.until(client.path, (all) => all.length === 2);
    receiver.behave(client.path, { kind: 'hang' });
    const missed = await client.produce(['a', 'a', 'a']);
    await vi.waitFor(
      () => expect(noticesOf(client).map(({ type }) => type)).toContain('push.v1m0.WebhookParked'),
      WAIT,
    );
    const { after } = noticesOf(client)[0]!.payload as { after: { epoch: string; offset: string } };
    expect(after.epoch).toBe(epoch);
    expect(Number(after.offset)).toBeGreaterThanOrEqual(early[1]!);
    expect(Number(after.offset)).toBeLessThan(missed[0]!);
    // The client reads two of them from the firehose meanwhile.
    const resumed = await ask(client, 'POST', '/v1/webhook/resume', { offset: missed[1], epoch });
    expect(resumed).toMatchObject({ status: 200, position: { epoch, offset: missed[1] } });
    receiver.behave(client.path, { kind: 'accept' });
    const later = await client.produce(['a']);
    const requests = await receiver.until(client.path, (all) => acceptedOffsets(all).length >= 4);
    expect(acceptedOffsets(requests)).toEqual([...early, missed[2], ...later]);
    await vi.waitFor(() => expect(noticesOf(client).at(-1)!.type).toBe('push.v1m0.WebhookResumed'), WAIT);
  });

  test('goes back as well: what was pushed is pushed again from there on', async () => {
    const client = await newClient();
    const offsets = await client.produce(['a', 'b', 'a']);
    await receiver.until(client.path, (all) => all.length === 3);
    await ask(client, 'POST', '/v1/webhook/resume', { offset: offsets[0] });
    const requests = await receiver.until(client.path, (all) => all.length >= 5);
    expect(new Set(requests.slice(3).map(({ body }) => body.offset))).toEqual(new Set(offsets.slice(1)));
  });

  test.each([
    ['of another epoch', () => ({ offset: 0, epoch: 'other' }), 409],
    ['in the future', () => ({ offset: 1e9 }), 416],
    ['that is none', () => ({ offset: -2 }), 400],
  ])('does not go on from an offset %s', async (_name, body, status) => {
    const client = await newClient();
    await client.produce(['a']);
    await receiver.until(client.path, (all) => all.length === 1);
    expect(await ask(client, 'POST', '/v1/webhook/resume', body())).toMatchObject({ status });
  });

  test('is disabled by 410, and comes back when its client has proved the URL anew', async () => {
    const client = await newClient();
    receiver.behave(client.path, { kind: 'status', status: 410 });
    const offsets = await client.produce(['a', 'a', 'b']);
    await vi.waitFor(
      () => expect(noticesOf(client).map(({ type }) => type)).toEqual(['push.v1m0.WebhookDisabled']),
      WAIT,
    );
    const before = (await receiver.received(client.path)).length;
    receiver.behave(client.path, { kind: 'accept' });
    const more = await client.produce(['b']);
    const witness = await newClient();
    await witness.produce(['a']);
    await receiver.until(witness.path, (all) => all.length === 1);
    expect((await receiver.received(client.path)).length).toBe(before);
    const secrets = [newSecret()];
    receiver.expectSecrets(client.path, secrets);
    const url = receiver.http + client.path;
    const anew = await deployment.token(client.name, { url, secrets, verified: Date.now() + 1 }, Date.now() + 1000);
    const [last] = await deployment.produce(client.name, anew, ['c']);
    const requests = await receiver.until(client.path, (all) => acceptedOffsets(all).length >= 5);
    expect(new Set(acceptedOffsets(requests))).toEqual(new Set([...offsets, ...more, last!.offset]));
    expect(requests.slice(before).every(({ signed }) => signed)).toBe(true);
  });

  test('that its client withdraws gets nothing more, at once, whatever older tokens say', async () => {
    const client = await newClient();
    await client.produce(['a']);
    await receiver.until(client.path, (all) => all.length === 1);
    await deployment.log.produce(CLIENTS_TOPIC, [webhookRecord(client.name, undefined)]);
    const delivery = () => ask(client, 'GET', '/v1/webhook/delivery');
    await vi.waitFor(async () => expect((await delivery()).state).toBe('disabled'), WAIT);
    await client.produce(['a']);
    const witness = await newClient();
    await witness.produce(['a']);
    await receiver.until(witness.path, (all) => all.length === 1);
    expect(await receiver.received(client.path)).toHaveLength(1);
  });

  test('that is dead never slows another', async () => {
    const dead = await Promise.all(Array.from({ length: 8 }, () => newClient()));
    for (const { path } of dead) receiver.behave(path, { kind: 'hang' });
    for (const client of dead) await client.produce(sequence(50, 50));
    for (const { path } of dead) await receiver.until(path, (all) => all.length >= 4);
    const live = await newClient();
    const began = Date.now();
    await live.produce(sequence(200, 10));
    await receiver.until(live.path, (all) => all.length >= 200);
    // The dead ones take 400 ms for every request; one of them in the way at each of these would take 80 s.
    expect(Date.now() - began).toBeLessThan(10_000);
  });
});

describe('TLS', () => {
  test('a certificate that nobody vouches for is refused', async () => {
    const client = await newClient({}, receiver.https);
    await client.produce(['a']);
    await vi.waitFor(async () => {
      expect((await ask(client, 'GET', '/v1/webhook/delivery')).cause).toMatch(/^TLS: /);
    }, WAIT);
    await expect(receiver.received(client.path)).resolves.toEqual([]);
  });

  test('with an authority and a certificate of our own by config, both sides know each other', async () => {
    const own = await openDeployment();
    const file = (name: string) => new URL(`./testing/${name}`, import.meta.url).pathname;
    const tls = {
      caFile: file('receiver-certificate.pem'),
      certFile: file('receiver-certificate.pem'),
      keyFile: file('receiver-key.pem'),
    };
    expect(readFileSync(tls.caFile, 'utf8')).toContain('BEGIN CERTIFICATE');
    const secured = await startPush(own.context, config({ tls }));
    try {
      const token = await own.token('ada', { url: `${receiver.mtls}/mtls`, secrets: [newSecret()] });
      await own.produce('ada', token, ['a']);
      await receiver.until('/mtls', (all) => all.length === 1);
    } finally {
      await secured.stop();
      await own.remove();
    }
  });
});
