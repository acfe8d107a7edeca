/** For the tests of trust: a whole deployment, a receiver of its webhooks, and clients who may do everything, each for itself. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { sampleImage } from '../../gateway/testing/sample-image.ts';
import type { Grants } from '../../protocol/claims/grant.ts';
import { openTokenKeys } from '../../protocol/claims/keys.ts';
import { mintToken } from '../../protocol/claims/token.ts';
import type { Message } from '../../protocol/frames.ts';
import { openEmbeddedLog } from '../../protocol/log/embedded/open.ts';
import type { Log } from '../../protocol/log/log.ts';
import { openSealingKeys, sealSecret } from '../../protocol/webhook/sealing.ts';
import { readFirehose } from '../harness/firehose-reader.ts';
import { startSluice } from '../harness/sluice-process.ts';

const HOUR = 3_600_000;

export interface Client {
  readonly id: string;
  /** Grants everything, the client's own webhook included. */
  readonly token: string;
}

export interface TrustBench {
  readonly url: string;
  readonly log: Log;
  readonly image: Buffer;
  /** All that the webhooks of all clients have received, one body after the other. */
  pushed(): string;
  /** A client that nobody has had before: a test can be run again. */
  newClient(name: string): Promise<Client>;
  ask(method: string, path: string, by: Client, body?: object): Promise<Response>;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any shape
  json(method: string, path: string, by: Client, body?: object): Promise<any>;
  submit(by: Client, transaction: string): Promise<void>;
  /** Everything on the client's firehose, once the transaction has been summed up. */
  summarised(by: Client, transaction: string): Promise<Message[]>;
  close(): Promise<void>;
}

export async function openTrustBench(): Promise<TrustBench> {
  const data = await mkdtemp(join(tmpdir(), 'sluice-trust-'));
  let pushed = '';
  const receiver = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text) => {
      pushed += text;
    });
    request.on('end', () => response.writeHead(204).end());
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const { port } = receiver.address() as AddressInfo;
  const sluice = await startSluice(['up', '--data', data, '--port', '0', '--log-level', 'warn'], {
    SLUICE_VISION_SERVICES: 'synthetic',
    SLUICE_VISION_SYNTHETIC_RESULTS: '1',
    SLUICE_PUSH_ALLOW_LOOPBACK: 'true',
  });
  const log = await openEmbeddedLog({ folder: join(data, 'log') });
  const image = await sampleImage('image/png');
  const ask: TrustBench['ask'] = (method, path, by, body) =>
    fetch(`${sluice.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${by.token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  return {
    url: sluice.url,
    log,
    image,
    ask,
    pushed: () => pushed,
    async newClient(name) {
      const id = `${name}-${randomUUID()}`;
      const sealing = await openSealingKeys(join(data, 'keys'));
      const secret = `whsec_${Buffer.alloc(32, id).toString('base64')}`;
      const push = {
        url: `http://127.0.0.1:${port}/${id}`,
        types: [],
        mode: 'full',
        rate: 0,
        verified: 1,
        secrets: [{ sealed: await sealSecret(sealing, id, secret) }],
      };
      const grants: Grants = { 'ingest-1': {}, 'synthetic-1': {}, 'summary-1': {}, 'firehose-1': {}, 'push-1': push };
      const issuedAt = Date.now();
      const keys = await openTokenKeys(join(data, 'keys'));
      return { id, token: await mintToken(keys, { client: id, grants, issuedAt, expiresAt: issuedAt + HOUR }) };
    },
    json: async (...request) => (await ask(...request)).json(),
    async submit(by, transaction) {
      const response = await fetch(`${sluice.url}/v1/transactions/${transaction}/images`, {
        method: 'POST',
        headers: { authorization: `Bearer ${by.token}`, 'content-type': 'image/png' },
        body: new Uint8Array(image),
      });
      expect(response.status, await response.text()).toBe(202);
    },
    summarised: (by, transaction) =>
      readFirehose(
        sluice.url,
        by.token,
        (seen) => seen.some((m) => m.type === 'summary.v1m0.TransactionSummary' && m.transaction === transaction),
        60_000,
      ),
    async close() {
      await log.close();
      await sluice.kill();
      receiver.close();
      await rm(data, { recursive: true });
    },
  };
}
