/** Opting in and out over HTTP, against a server that consents or does not. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTokenKeys } from '../../protocol/claims/keys.ts';
import { mintToken } from '../../protocol/claims/token.ts';
import { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { createHttpServer } from '../../protocol/http/server.ts';
import type { Log } from '../../protocol/log/log.ts';
import { openLog } from '../../protocol/log/open.ts';
import { topicDefinitions } from '../../protocol/log/topics.ts';
import { pushGrant, readPushGrant } from '../../protocol/webhook/grant.ts';
import { openSealingKeys, openSecret } from '../../protocol/webhook/sealing.ts';
import { registerWebhook } from './webhook-routes.ts';
import { Webhooks } from './webhooks.ts';

const HOUR = 3_600_000;
const CONFIG = { allowLoopback: true, origin: 'sluice.test', handshakeTimeoutMs: 2_000, secretOverlapMs: HOUR };

let folder: string;
let log: Log;
let webhooks: Webhooks;
let stopFollowing: () => Promise<void>;
let api: ReturnType<typeof createHttpServer>;
let base: string;
let receiver: Server;
let hook: string;
let now = Date.now();
const asked: { path: string; headers: IncomingHttpHeaders }[] = [];

/** How the receiver answers OPTIONS, by path. */
const ANSWERS: Record<string, { status: number; headers: Record<string, string> } | 'never'> = {
  '/yes': { status: 200, headers: { 'webhook-allowed-origin': 'sluice.test', 'webhook-allowed-rate': '600' } },
  '/anybody': { status: 204, headers: { 'webhook-allowed-origin': '*' } },
  '/silent': { status: 200, headers: {} },
  '/other': { status: 200, headers: { 'webhook-allowed-origin': 'elsewhere.test' } },
  '/error': { status: 500, headers: { 'webhook-allowed-origin': '*' } },
  '/moved': { status: 302, headers: { location: '/anybody', 'webhook-allowed-origin': '*' } },
  '/never': 'never',
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-webhook-'));
  log = await openLog({ kind: 'embedded', folder: join(folder, 'log') });
  const sizing = { partitions: 1, replication: 1, resultsRetentionMs: HOUR, ingestRetentionMs: HOUR };
  await log.createTopics(topicDefinitions({ ...sizing, maxImageMessageBytes: 1 << 20 }));
  webhooks = new Webhooks(log);
  stopFollowing = await webhooks.follow(() => {});
  const keys = await openTokenKeys(join(folder, 'keys'));
  api = createHttpServer({ logger: pino({ level: 'silent' }) as never, bodyLimit: 1 << 20 });
  const verifier = new TokenVerifier(() => keys);
  const sealingKeys = await openSealingKeys(join(folder, 'keys'));
  await api.register(async (server) => {
    await registerWebhook(server, { webhooks, sealingKeys, verifier, retryAfterSeconds: 5, now: () => now }, CONFIG);
  });
  base = await api.listen({ host: '127.0.0.1', port: 0 });
  receiver = createServer((request, response) => {
    asked.push({ path: `${request.method} ${request.url}`, headers: request.headers });
    const answer = ANSWERS[request.url!];
    if (answer !== undefined && answer !== 'never') response.writeHead(answer.status, answer.headers).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await api.close();
  receiver.closeAllConnections();
  receiver.close();
  await stopFollowing();
  await log.close();
  await rm(folder, { recursive: true });
});

async function token(client: string, grants: Record<string, object> = { 'push-1': {} }): Promise<string> {
  const keys = await openTokenKeys(join(folder, 'keys'));
  return mintToken(keys, { client, grants: grants as never, issuedAt: now, expiresAt: now + 10 * HOUR });
}

// biome-ignore lint/suspicious/noExplicitAny: the JSON of any answer
async function ask(method: string, client: string, body?: object, grants?: Record<string, object>): Promise<any> {
  const headers = { authorization: `Bearer ${await token(client, grants)}`, 'content-type': 'application/json' };
  const init = { method, headers: body === undefined ? { authorization: headers.authorization } : headers };
  const response = await fetch(`${base}/v1/webhook`, { ...init, ...(body && { body: JSON.stringify(body) }) });
  const text = await response.text();
  return { status: response.status, ...(text === '' ? {} : (JSON.parse(text) as object)) };
}

/** One that no run of any test has opted in before. */
const newClient = () => `client-${randomUUID()}`;

test('a URL that consents is taken, with the rate that it allows, and the secret is shown once', async () => {
  const ada = newClient();
  const put = await ask('PUT', ada, { url: `${hook}/yes`, types: ['ocr.*'], mode: 'batch', max_rate: 50 });
  expect(put).toMatchObject({ status: 201, url: `${hook}/yes`, types: ['ocr.*'], mode: 'batch', max_rate: 10 });
  expect(put.secret).toMatch(/^whsec_/);
  expect(asked.at(-1)).toMatchObject({
    path: 'OPTIONS /yes',
    headers: { 'webhook-request-origin': 'sluice.test', 'webhook-request-rate': '3000' },
  });
  const got = await ask('GET', ada);
  expect(got).toMatchObject({ status: 200, url: `${hook}/yes`, secrets: [{ retires: null }] });
  expect(JSON.stringify(got)).not.toContain('whsec_');
});

test('what tokens are to say is what was set, with the secret sealed for this client alone', async () => {
  const bea = newClient();
  const { secret } = await ask('PUT', bea, { url: `${hook}/anybody` });
  const grant = readPushGrant(pushGrant(webhooks.get(bea)!, now))!;
  expect(grant).toMatchObject({ url: `${hook}/anybody`, types: [], mode: 'full', rate: 0 });
  const keys = await openSealingKeys(join(folder, 'keys'));
  expect(await openSecret(keys, bea, grant.secrets[0]!.sealed)).toBe(secret);
  await expect(openSecret(keys, 'ada', grant.secrets[0]!.sealed)).rejects.toThrow();
});

test('a rotation adds a secret, and the old one retires after the overlap', async () => {
  const cyd = newClient();
  const first = await ask('PUT', cyd, { url: `${hook}/yes` });
  const second = await ask('PUT', cyd, { url: `${hook}/yes`, rotate_secret: true });
  expect(second.status).toBe(200);
  expect(second.secret).toMatch(/^whsec_/);
  expect(second.secret).not.toBe(first.secret);
  expect(second.secrets).toHaveLength(2);
  expect(pushGrant(webhooks.get(cyd)!, now)).toMatchObject({ secrets: [{}, { retires: expect.any(Number) }] });
  const third = await ask('PUT', cyd, { url: `${hook}/yes` });
  expect(third.secret).toBeUndefined();
  expect(third.secrets).toHaveLength(2);
  now += HOUR + 1000;
  expect((await ask('GET', cyd)).secrets).toHaveLength(1);
  expect(readPushGrant(pushGrant(webhooks.get(cyd)!, now))!.secrets).toHaveLength(1);
});

test.each(['/silent', '/other', '/error', '/moved', '/never'])(
  'a URL that answers like %s is not taken',
  async (path) => {
    const before = asked.length;
    expect(await ask('PUT', 'dee', { url: hook + path })).toMatchObject({
      status: 422,
      type: '/problems/webhook-not-verified',
    });
    expect(asked.slice(before).map((it) => it.path)).toEqual([`OPTIONS ${path}`]);
    expect(await ask('GET', 'dee')).toMatchObject({ status: 404 });
  },
);

test.each(['http://example.com/', 'https://10.0.0.1/', 'https://169.254.169.254/', 'ftp://127.0.0.1/', 'nonsense'])(
  '%s is refused before anything is sent',
  async (url) => {
    expect(await ask('PUT', 'dee', { url })).toMatchObject({ status: 400, errors: [{ field: '/url' }] });
  },
);

test('a failed change leaves what was set before', async () => {
  await ask('PUT', 'eve', { url: `${hook}/yes` });
  await ask('PUT', 'eve', { url: `${hook}/error` });
  expect(await ask('GET', 'eve')).toMatchObject({ url: `${hook}/yes` });
});

test('withdrawn is withdrawn, for this client only', async () => {
  await ask('PUT', 'fay', { url: `${hook}/yes` });
  await ask('PUT', 'gus', { url: `${hook}/yes` });
  expect(await ask('DELETE', 'fay')).toMatchObject({ status: 204 });
  expect(await ask('GET', 'fay')).toMatchObject({ status: 404 });
  expect(await ask('DELETE', 'fay')).toMatchObject({ status: 404 });
  expect(webhooks.get('fay')).toBeUndefined();
  expect(await ask('GET', 'gus')).toMatchObject({ status: 200 });
});

test('a token that does not grant push-1 may not', async () => {
  expect(await ask('PUT', 'hal', { url: `${hook}/yes` }, { 'firehose-1': {} })).toMatchObject({ status: 403 });
});

test('another process knows the same after it has read the log', async () => {
  await ask('PUT', 'ida', { url: `${hook}/yes` });
  const other = new Webhooks(log);
  const stop = await other.follow(() => {});
  expect(other.get('ida')?.url).toBe(`${hook}/yes`);
  expect(other.get('fay')).toBeUndefined();
  await stop();
});
