/** Receivers whose certificate an authority vouches for, but which is expired, or of another name. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type Certificate, newAuthority } from './testing/certificates.ts';
import { openDeployment } from './testing/deployment.ts';
import { type Receiver, startReceiver } from './testing/receiver.ts';
import { type RunningPush, runPush, WAIT } from './testing/running-push.ts';

const HOUR = 3_600_000;
const HOST = '127.0.0.1';

const authority = newAuthority('authority of the config');
const wellKnown = newAuthority('authority that everybody knows');
const servers: Server[] = [];
let receiver: Receiver;
let push: RunningPush;

vi.setConfig({ testTimeout: 150_000, hookTimeout: 300_000 });

beforeAll(async () => {
  // As if it were one of those that come with Node.
  setDefaultCACertificates([...getCACertificates('default'), wellKnown.certificate]);
  receiver = await startReceiver();
  const deployment = await openDeployment();
  const caFile = join(deployment.folder, 'authority.pem');
  writeFileSync(caFile, authority.certificate);
  push = await runPush(receiver, { tls: { caFile } }, deployment);
});

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

afterAll(async () => {
  await push?.stop();
  await push?.deployment.remove();
  await receiver?.stop();
});

/** A receiver that accepts everything. @returns its origin, and the paths of the requests that it has got */
async function serve({ cert, key }: Certificate): Promise<{ origin: string; requests: string[] }> {
  const requests: string[] = [];
  const server = createServer({ cert, key }, (request, response) => {
    requests.push(request.url!);
    response.writeHead(204).end();
  });
  servers.push(server);
  server.listen(0, HOST);
  await once(server, 'listening');
  return { origin: `https://${HOST}:${(server.address() as AddressInfo).port}`, requests };
}

test.each([
  ['by an authority of the config', authority],
  ['by a well-known authority, beside those of the config', wellKnown],
])('a sound certificate %s is accepted', async (_name, by) => {
  const { origin, requests } = await serve(by.issue(HOST, Date.now() + HOUR));
  const client = await push.newClient({}, origin);
  await client.produce(['a']);
  await vi.waitFor(() => expect(requests).toEqual([client.path]), WAIT);
});

test.each([
  ['that has expired', () => authority.issue(HOST, Date.now() - HOUR), 'CERT_HAS_EXPIRED'],
  ['of another name', () => authority.issue('example.com', Date.now() + HOUR), 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['of another address', () => authority.issue('127.0.0.2', Date.now() + HOUR), 'ERR_TLS_CERT_ALTNAME_INVALID'],
])('a certificate %s is refused before anything is sent, and its client told why', async (_name, issue, code) => {
  const { origin, requests } = await serve(issue());
  const client = await push.newClient({}, origin);
  const [offset] = await client.produce(['a']);
  const letters = async () => (await push.ask(client, 'GET', '/v1/webhook/dead-letters')).dead_letters;
  await vi.waitFor(
    async () => expect(await letters()).toMatchObject([{ position: { offset }, cause: `TLS: ${code}` }]),
    WAIT,
  );
  expect(requests).toEqual([]);
});
