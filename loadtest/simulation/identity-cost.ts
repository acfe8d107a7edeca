/** What a token costs the identity role: a proof who one is, by secret or by key, and the exchange of that proof for a token. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { addClient } from '../../gateway/clients/registry.ts';
import { EXCHANGE_GRANT } from '../../gateway/identity/authorisation-service.ts';
import { ASSERTION_TYPE } from '../../gateway/identity/client-assertion.ts';
import { IdentityConfig } from '../../gateway/identity/config.ts';
import { startIdentity } from '../../gateway/identity/main.ts';
import { loadConfig } from '../../protocol/config/load.ts';
import { createHttpServer } from '../../protocol/http/server.ts';
import type { BenchContext, OpenVariant } from '../suite.ts';
import { openRoleContext } from './role-context.ts';

const REQUESTS = 200;
const ISSUER = 'https://identity.example';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const GRANTS = { 'ingest-1': {}, 'firehose-1': {}, 'ocr-*': {}, 'barcode-*': {}, 'faceextract-*': {}, 'summary-1': {} };

/** The form of one request. */
type Form = Record<string, string>;
export type Asking = 'by secret' | 'by key' | 'exchange';

/** Processor time of the whole process, hashing threads included. Requests reach the server without a socket. */
export async function openIdentityVariant({ folder, scale }: BenchContext, asking: Asking): Promise<OpenVariant> {
  const identity = await startMeasuredIdentity(folder);
  const count = Math.max(5, Math.round(REQUESTS * scale));
  // Made beforehand: signing an assertion is the client's work.
  const form = identity.forms[asking];
  return {
    async measure() {
      const forms: Form[] = [];
      while (forms.length < count) forms.push(await form());
      const before = process.cpuUsage();
      for (const each of forms) await identity.token(each);
      const { user, system } = process.cpuUsage(before);
      return { value: (user + system) / 1000 / count };
    },
    close: () => identity.stop(),
  };
}

async function startMeasuredIdentity(folder: string) {
  const { context } = await openRoleContext(folder);
  const { log } = context;
  const secret = (await addClient(log, { clientId: 'with-secret', grants: GRANTS }, Date.now()))!;
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] });
  await addClient(log, { clientId: 'with-key', grants: GRANTS, jwks }, Date.now());
  const defaults = loadConfig(IdentityConfig, { flags: {}, environment: {} });
  const role = await startIdentity(context, { ...defaults, issuer: ISSUER, requestsPerMinute: 1_000_000 });
  const server = createHttpServer({ logger: context.logger as unknown as FastifyBaseLogger, bodyLimit: 1 << 20 });
  await server.register(role.routes!);

  const bySecret = async (): Promise<Form> => ({
    grant_type: 'client_credentials',
    client_id: 'with-secret',
    client_secret: secret,
  });
  const byKey = async (): Promise<Form> => {
    const assertion = await new SignJWT({ jti: crypto.randomUUID() })
      .setIssuer('with-key')
      .setSubject('with-key')
      .setAudience(ISSUER)
      .setIssuedAt()
      .setExpirationTime('1m')
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .sign(privateKey);
    return { grant_type: 'client_credentials', client_assertion_type: ASSERTION_TYPE, client_assertion: assertion };
  };
  const exchange = async (): Promise<Form> => ({
    grant_type: EXCHANGE_GRANT,
    subject_token: await token(await byKey()),
    subject_token_type: ACCESS_TOKEN,
  });

  // Clients come to the identity store by way of the log.
  while ((await post(await byKey())).statusCode !== 200) await sleep(20);
  return {
    forms: { 'by secret': bySecret, 'by key': byKey, exchange } satisfies Record<Asking, () => Promise<Form>>,
    token,
    async stop() {
      await server.close();
      await role.stop();
      await log.close();
    },
  };

  async function token(form: Form): Promise<string> {
    const answer = await post(form);
    if (answer.statusCode !== 200) throw new Error(`no token: ${answer.body}`);
    return answer.json().access_token;
  }

  function post(form: Form) {
    return server.inject({
      method: 'POST',
      url: '/oauth/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    });
  }
}
