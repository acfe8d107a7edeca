/** What keeps a webhook from being misused: certificates on both sides, secrets that nobody reads, records that are not the client's. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { describe, expect, test, vi } from 'vitest';
import { RESULTS_TOPIC } from '../protocol/log/topics.ts';
import { newSecret } from '../protocol/webhook/sealing.ts';
import { startPush } from './main.ts';
import { acceptedOffsets, type Receiver } from './testing/receiver.ts';
import { pushConfig, pushOfFile, type RunningPush, runPush, WAIT } from './testing/running-push.ts';

let receiver: Receiver;
let push: RunningPush;

pushOfFile((its, running) => {
  receiver = its;
  push = running;
});

describe('TLS', () => {
  test('a certificate that nobody vouches for is refused', async () => {
    const client = await push.newClient({}, receiver.https);
    await client.produce(['a']);
    await vi.waitFor(async () => {
      expect((await push.ask(client, 'GET', '/v1/webhook/delivery')).cause).toMatch(/^TLS: /);
    }, WAIT);
    await expect(receiver.received(client.path)).resolves.toEqual([]);
  });

  test('with an authority and a certificate of our own by config, both sides know each other', async () => {
    const file = (name: string) => new URL(`./testing/${name}`, import.meta.url).pathname;
    const tls = {
      caFile: file('receiver-certificate.pem'),
      certFile: file('receiver-certificate.pem'),
      keyFile: file('receiver-key.pem'),
    };
    expect(readFileSync(tls.caFile, 'utf8')).toContain('BEGIN CERTIFICATE');
    const secured = await runPush(receiver, { tls });
    try {
      const client = await secured.newClient({}, receiver.mtls);
      await client.produce(['a']);
      await receiver.until(client.path, (all) => all.length === 1);
    } finally {
      await secured.stop();
      await secured.deployment.remove();
    }
  });
});

test.each(['certFile', 'keyFile'])('%s alone is refused: push does not start without the other', async (setting) => {
  const tls = { [setting]: new URL('./testing/receiver-key.pem', import.meta.url).pathname };
  const { context } = push.deployment;
  const apart = { ...context, dataFolder: `${context.dataFolder}-apart`, metrics: new Registry() };
  await expect(startPush(apart, pushConfig({ tls }))).rejects.toThrow('certFile and keyFile belong together');
});

test('what lies on the disk and on the log shows no secret', async () => {
  const secret = newSecret();
  const client = await push.newClient({ secrets: [secret] });
  receiver.expectSecrets(client.path, [secret]);
  await client.produce(['a']);
  const [request] = await receiver.until(client.path, (all) => all.length === 1);
  expect(request!.signed).toBe(true);
  const { folder } = push.deployment;
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = Buffer.concat(files.map((entry) => readFileSync(join(entry.parentPath, entry.name))));
  // What is looked for would be found: the path is there.
  expect(bytes.includes(client.name)).toBe(true);
  const base64 = secret.slice('whsec_'.length);
  expect(bytes.includes(base64)).toBe(false);
  expect(bytes.includes(Buffer.from(base64, 'base64'))).toBe(false);
});

test('a record that is not of its client, or whose token is none of ours, is pushed to nobody', async () => {
  const client = await push.newClient();
  const stranger = await push.newClient();
  const { log, events } = push.deployment;
  const [foreign] = await events(stranger.name, stranger.token, ['a'], 'FOREIGN');
  const [borrowed] = await events(client.name, stranger.token, ['a'], 'FOREIGN');
  const [forged] = await events(client.name, `${client.token.slice(0, -6)}AAAAAA`, ['a'], 'FOREIGN');
  await log.produce(RESULTS_TOPIC, [{ ...foreign!, key: client.name }, borrowed!, forged!]);
  const [last] = await client.produce(['a']);
  const requests = await receiver.until(client.path, (all) => all.length >= 1);
  expect(acceptedOffsets(requests)).toEqual([last]);
  await expect(receiver.received(stranger.path)).resolves.toEqual([]);
});
