/**
 * The whole way of a webhook, as a client goes it: register, opt in at the gateway, take a token that says so, submit an image, be
 * posted what the firehose has, withdraw. One `sluice up` and a receiver process.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ReceivedRequest } from '../../push/testing/behaviour.ts';
import { type Receiver, startReceiver } from '../../push/testing/receiver.ts';
import { readFirehose } from '../harness/firehose-reader.ts';
import { runSluice, type SluiceProcess, startSluice } from '../harness/sluice-process.ts';

const WAIT_MS = 120_000;
const LOOPBACK = ['--gateway-webhook-allow-loopback', 'true', '--push-allow-loopback', 'true'];

let data: string;
let receiver: Receiver;
let sluice: SluiceProcess;
let secret: string;

// For each try: it begins with a client that has never had a webhook.
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'sluice-opt-in-'));
  receiver = await startReceiver();
  secret = JSON.parse(runSluice(['clients', 'add', 'acme', '--data', data])).secret;
  const synthetic = ['--vision-synthetic-enabled', 'true', '--log-level', 'warn'];
  sluice = await startSluice(['up', '--data', data, '--port', '0', ...LOOPBACK, ...synthetic]);
});
afterEach(async () => {
  await sluice?.kill();
  await receiver?.stop();
  await rm(data, { recursive: true, force: true });
});

async function oauth(form: Record<string, string>): Promise<string> {
  const response = await fetch(`${sluice.url}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) });
  const body = (await response.json()) as { access_token: string };
  expect(response.status, JSON.stringify(body)).toBe(200);
  return body.access_token;
}

async function newToken(): Promise<string> {
  return oauth({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token: await oauth({ grant_type: 'client_credentials', client_id: 'acme', client_secret: secret }),
  });
}

/** A token that names the webhook: the authorisation service hears of it from the log. */
function tokenForWebhook(): Promise<string> {
  return vi.waitFor(
    async () => {
      const token = await newToken();
      const headers = { authorization: `Bearer ${token}` };
      const { detail } = (await (await fetch(`${sluice.url}/v1/webhook/delivery`, { headers })).json()) as {
        detail: string;
      };
      expect(detail).toBe('Nothing has been pushed to this webhook yet.');
      return token;
    },
    { timeout: WAIT_MS, interval: 100 },
  );
}

// biome-ignore lint/suspicious/noExplicitAny: the JSON of any answer
async function webhook(method: string, token: string, body?: object): Promise<any> {
  const response = await fetch(`${sluice.url}/v1/webhook`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, ...(text !== '' && JSON.parse(text)) };
}

async function submit(token: string, transaction: string): Promise<void> {
  const response = await fetch(`${sluice.url}/v1/transactions/${transaction}/images`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'image/png' },
    body: await sharp({ create: { width: 64, height: 64, channels: 3, background: 'white' } })
      .png()
      .toBuffer(),
  });
  expect(response.status).toBe(202);
}

test('opt in, be posted what the firehose has, withdraw', { timeout: 300_000 }, async () => {
  const before = await newToken();
  const url = `${receiver.http}/acme`;
  const set = await webhook('PUT', before, { url });
  expect(set.status, JSON.stringify(set)).toBeLessThan(300);
  expect(set.secret).toMatch(/^whsec_/);
  receiver.expectSecrets('/acme', [set.secret]);
  expect((await webhook('GET', before)).secret).toBeUndefined();

  // The token that a message came of decides: one from before the opt-in sends nothing there.
  await submit(before, 'unpushed');
  const token = await tokenForWebhook();
  await submit(token, 'pushed');
  const isSummary = ({ type, transaction }: { type: string; transaction: string }) =>
    type === 'summary.v1m0.TransactionSummary' && transaction === 'pushed';
  const frames = await readFirehose(sluice.url, token, (all) => all.some(isSummary), WAIT_MS);
  const wanted = frames.filter(({ transaction }) => transaction === 'pushed');
  const pushed = (all: readonly ReceivedRequest[]) => new Set(all.map(({ body }) => body.offset));
  const offsets = new Set(wanted.map(({ offset }) => offset));
  const requests = await receiver.until('/acme', (all) => offsets.isSubsetOf(pushed(all)), WAIT_MS);
  expect(requests.every(({ signed }) => signed)).toBe(true);
  const received = new Map(requests.map(({ body }) => [body.offset, body]));
  for (const frame of wanted) expect(received.get(frame.offset)).toEqual({ ...frame, epoch: expect.any(String) });
  expect(requests.every(({ body }) => body.transaction === 'pushed')).toBe(true);

  expect((await webhook('DELETE', token)).status).toBeLessThan(300);
  expect(await webhook('GET', token)).toMatchObject({ status: 404 });
});
