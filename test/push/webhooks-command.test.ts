/** `sluice webhooks` against a running push: what an operator sees, and dead letters on their way again. */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import { Mode, Webhook } from '../../protocol/generated/push/v1m0/push_pb.js';
import { CLIENTS_TOPIC } from '../../protocol/log/topics.ts';
import { newSecret, openSealingKeys, sealSecret } from '../../protocol/webhook/sealing.ts';
import { webhookRecord } from '../../protocol/webhook/webhook-record.ts';
import { type Deployment, openDeployment } from '../../push/testing/deployment.ts';
import { acceptedOffsets, type Receiver, startReceiver } from '../../push/testing/receiver.ts';
import { type SluiceProcess, startSluice } from '../harness/sluice-process.ts';

const MAIN = fileURLToPath(new URL('../../sluice.ts', import.meta.url));
const CONFIG = { push: { allowLoopback: true, retryScheduleMs: [20], breaker: { minRequests: 1000 } } };
const WAIT = { timeout: 60_000, interval: 500 };

let deployment: Deployment;
let receiver: Receiver;
let push: SluiceProcess;

beforeAll(async () => {
  [deployment, receiver] = await Promise.all([openDeployment(), startReceiver()]);
  const config = join(deployment.folder, 'config.json');
  await writeFile(config, JSON.stringify(CONFIG));
  push = await startSluice(['push', '--config', config, '--data', deployment.folder, '--port', '0']);
  await optIn('ada');
  await vi.waitFor(() => expect(webhooks('list').lines).toMatchObject([{ client: 'ada' }]), WAIT);
}, 300_000);
afterAll(async () => {
  await push?.kill();
  await receiver?.stop();
  await deployment?.remove();
});

interface Outcome {
  readonly code: number | null;
  /** Lines of stdout. */
  // biome-ignore lint/suspicious/noExplicitAny: the JSON of any command
  readonly lines: any[];
  readonly stderr: string;
}

function webhooks(...args: string[]): Outcome {
  const where = ['--data', deployment.folder, '--url', push.url];
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'webhooks', ...args, ...where], {
    encoding: 'utf8',
  });
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { code: status, lines: lines.map((line) => JSON.parse(line)), stderr };
}

/** Opts the client in, as the gateway does. @returns a token from after it */
async function optIn(client: string): Promise<string> {
  const secret = newSecret();
  const url = `${receiver.http}/${client}`;
  const sealed = await sealSecret(await openSealingKeys(join(deployment.folder, 'keys')), client, secret);
  const webhook = Webhook.create({ url, mode: Mode.FULL, secrets: [{ sealed }], verified: Timestamp.now() });
  await deployment.log.produce(CLIENTS_TOPIC, [webhookRecord(client, webhook)]);
  return deployment.token(client, { url, secrets: [secret] });
}

describe('sluice webhooks', () => {
  test('lists webhooks and dead letters, and pushes those again', { timeout: 180_000 }, async () => {
    const [ada, bob] = [`ada-${randomUUID()}`, `bob-${randomUUID()}`];
    const path = `/${ada}`;
    const token = await optIn(ada);
    await optIn(bob);
    receiver.behave(path, { kind: 'poison', containing: 'POISON' });
    const produced = await deployment.produce(ada, token, ['a', 'b', 'c'], 'POISON');
    const offsets = produced.map(({ offset }) => offset);
    await vi.waitFor(() => expect(webhooks('dead-letters', '--client', ada).lines).toHaveLength(3), WAIT);
    const { lines: letters } = webhooks('dead-letters', '--client', ada);
    expect(letters.map(({ position }) => position.offset).toSorted((a, b) => a - b)).toEqual(offsets);
    expect(letters[0]).toMatchObject({ attempts: 2, cause: '500', replaying: false });

    const { code, lines } = webhooks('list');
    expect(code).toBe(0);
    expect(lines.filter(({ client }) => [ada, bob].includes(client))).toMatchObject([
      { client: ada, url: `${receiver.http}/${ada}`, breaker: 'closed', dead_letters: 3, waiting: 0 },
      { client: bob, url: `${receiver.http}/${bob}`, state: 'unused' },
    ]);
    expect(webhooks('show', '--token', token).lines).toMatchObject([{ state: 'failing', dead_letters: 3 }]);

    receiver.behave(path, { kind: 'accept' });
    expect(webhooks('replay', '--client', ada, '--id', String(letters[0].id)).lines).toEqual([{ replaying: 1 }]);
    await receiver.until(path, (all) => acceptedOffsets(all).length === 1, 60_000);
    expect(webhooks('replay', '--token', token, '--since', '2020-01-01T00:00:00Z').lines).toEqual([{ replaying: 2 }]);
    await receiver.until(path, (all) => new Set(acceptedOffsets(all)).size === 3, 60_000);
    // The receiver has them before push has its answers.
    await vi.waitFor(() => expect(webhooks('dead-letters', '--client', ada).lines).toEqual([]), WAIT);

    const before = (await receiver.received(path)).length;
    const after = String(offsets[1]);
    expect(webhooks('resume', '--client', ada, '--offset', after).lines).toMatchObject([
      { position: { offset: offsets[1] } },
    ]);
    const all = await receiver.until(path, (requests) => requests.length > before, 60_000);
    expect(acceptedOffsets(all).slice(-1)).toEqual([offsets[2]]);
  });

  test.each([
    [['replay', '--client', 'ada'], 'give either --id or --since'],
    [['replay', '--client', 'ada', '--id', '1', '--since', '2026-01-01'], 'give either --id or --since'],
    [['replay', '--client', 'ada', '--id', 'first'], '--id first is not a number'],
    [['replay', '--client', 'ada', '--since', 'yesterday'], '--since yesterday is not a time'],
    [['show', '--client', 'ada', '--token', 'x'], 'give either --client or --token'],
    [['dead-letters'], 'name the client with --client'],
    [['dead-letters', '--client', 'nobody'], "client 'nobody' has no webhook"],
    [['resume', '--client', 'ada'], '--offset'],
    [['pause'], 'unknown command'],
  ])('%j is wrong usage: exit code 2, with what would be right', { timeout: 180_000 }, (args, message) => {
    const { code, lines, stderr } = webhooks(...args);
    expect(stderr).toContain(message);
    expect({ code, lines }).toEqual({ code: 2, lines: [] });
  });
});
