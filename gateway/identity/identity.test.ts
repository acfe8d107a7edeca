/** The way of a client from its secret or key to a token that services accept, and everything that is refused on it. */
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import {
  type CryptoKey,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  type JWTPayload,
  jwtVerify,
  SignJWT,
  UnsecuredJWT,
} from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { followRevocations } from '../../protocol/claims/follow-revocations.ts';
import { openToken } from '../../protocol/claims/token.ts';
import { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { addClient, disableClient } from '../clients/registry.ts';
import { hashSecret } from '../clients/secret-hash.ts';
import { type IdentityFixture, openIdentity } from '../testing/identity-fixture.ts';
import { ASSERTION_TYPE } from './client-assertion.ts';
import { ClientAuthentication } from './client-authentication.ts';

const ISSUER = 'https://sluice.example';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const GRANTS = { 'ingest-1': {}, 'ocr-*': { language: 'en' }, 'firehose-1': {}, 'push-1': {} };

let identity: IdentityFixture;
let secret: string;
let clientKey: CryptoKey;

beforeAll(async () => {
  identity = await openIdentity({ issuer: ISSUER });
  secret = (await addClient(identity.log.log, { clientId: 'alice', grants: GRANTS }, Date.now()))!;
  const pair = await generateKeyPair('ES256');
  clientKey = pair.privateKey;
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1' }] });
  await addClient(identity.log.log, { clientId: 'keyed', grants: GRANTS, jwks }, Date.now());
  await vi.waitFor(async () => {
    expect((await withSecret()).status).toBe(200);
    expect((await withAssertion({})).status).toBe(200);
  }, 60_000);
});
afterAll(() => identity.close());

const token = (form: Record<string, string>, headers: Record<string, string> = {}) =>
  identity.post('/oauth/token', form, headers);
const withSecret = (client = 'alice', given = secret) =>
  token({ grant_type: 'client_credentials', client_id: client, client_secret: given });
const exchange = (subject: string, extra: Record<string, string> = {}) =>
  token({ grant_type: EXCHANGE, subject_token: subject, subject_token_type: ACCESS_TOKEN, ...extra });
const authenticated = async () => (await withSecret()).body.access_token as string;

let assertions = 0;
async function withAssertion(
  change: JWTPayload,
  header: Record<string, unknown> = {},
  key: CryptoKey | Uint8Array = clientKey,
) {
  const now = Math.floor(Date.now() / 1000) + 1;
  const claims = {
    iss: 'keyed',
    sub: 'keyed',
    aud: ISSUER,
    iat: now,
    exp: now + 60,
    jti: `a${assertions++}`,
    ...change,
  };
  const assertion = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', ...header } as never)
    .sign(key);
  return present(assertion);
}
const present = (assertion: string) =>
  token({ grant_type: 'client_credentials', client_assertion_type: ASSERTION_TYPE, client_assertion: assertion });

describe('from a secret to a token', () => {
  test('the whole way: authentication token, authorisation token with the registered grants', async () => {
    const first = await withSecret();
    expect(first.headers['cache-control']).toBe('no-store');
    expect(first.body).toMatchObject({ token_type: 'Bearer' });
    const second = await exchange(first.body.access_token);
    expect(second.status).toBe(200);
    expect(second.body).toMatchObject({
      token_type: 'Bearer',
      issued_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      scope: 'ingest-1 ocr-* firehose-1 push-1',
    });
    const claims = await openToken(identity.keys, second.body.access_token);
    // There is no webhook yet, so push-1 says nothing: it is good for opting in.
    expect(claims).toMatchObject({ client: 'alice', grants: GRANTS, idempotentOnly: false });
    const seconds = (claims.expiresAt - claims.issuedAt) / 1000;
    expect(seconds).toBeGreaterThanOrEqual(0.8 * 900 - 2);
    expect(seconds).toBeLessThanOrEqual(902);
  });

  test('the secret may come in the header, form-encoded', async () => {
    const basic = Buffer.from(`alice:${encodeURIComponent(secret)}`).toString('base64');
    expect((await token({ grant_type: 'client_credentials' }, { authorization: `Basic ${basic}` })).status).toBe(200);
  });

  test('tokens issued together do not expire together', async () => {
    const subject = await authenticated();
    const expiries = await Promise.all(
      Array.from({ length: 12 }, async () => (await exchange(subject)).body.expires_in),
    );
    expect(new Set(expiries).size).toBeGreaterThan(3);
  });

  test('less may be asked for, more not', async () => {
    const subject = await authenticated();
    const narrow = await exchange(subject, { scope: 'ocr-1.0' });
    expect(narrow.body.scope).toBe('ocr-1.0');
    expect((await openToken(identity.keys, narrow.body.access_token)).grants).toEqual({
      'ocr-1.0': { language: 'en' },
    });
    for (const scope of ['faceextract-1', 'ocr-1 faceextract-1', 'everything', '*'])
      expect(await exchange(subject, { scope })).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
  });

  test('the published keys verify authentication tokens; an authentication token opens nothing by itself', async () => {
    const jwks = (await identity.server.inject('/oauth/jwks')).json();
    const subject = await authenticated();
    const { payload } = await jwtVerify(subject, createLocalJWKSet(jwks), { audience: 'sluice-authorisation' });
    expect(payload.sub).toBe('alice');
    await expect(openToken(identity.keys, subject)).rejects.toMatchObject({ code: 'malformed' });
  });

  test('the metadata names the endpoints', async () => {
    const metadata = (await identity.server.inject('/.well-known/oauth-authorization-server')).json();
    expect(metadata).toMatchObject({
      issuer: ISSUER,
      token_endpoint: `${ISSUER}/oauth/token`,
      revocation_endpoint: `${ISSUER}/oauth/revoke`,
      jwks_uri: `${ISSUER}/oauth/jwks`,
      grant_types_supported: ['client_credentials', EXCHANGE],
    });
  });
});

describe('secrets that are refused, all in the same words', () => {
  test.each<[string, () => ReturnType<typeof withSecret>]>([
    ['a wrong one', () => withSecret('alice', 'wrong')],
    ['one of nobody', () => withSecret('nobody')],
    ['of a client that has keys', () => withSecret('keyed')],
    ['a client that is no id', () => withSecret('../alice')],
    ['a client named as a record of another kind', () => withSecret('webhook/alice')],
  ])('%s', async (_what, send) => {
    expect(await send()).toMatchObject({
      status: 401,
      body: { error: 'invalid_client', error_description: 'there is no such client, or this is not its secret or key' },
    });
  });

  test('whether there is such a client does not show in the work that is done', async () => {
    const compared: string[] = [];
    const hash = await hashSecret('right');
    const directory = {
      get: (id: string) =>
        id === 'there'
          ? { client: { clientId: id, secrets: [{ hash }], jwks: '', grants: [] }, webhook: undefined }
          : undefined,
    };
    const authentication = new ClientAuthentication(directory, 0, async (_secret, stored) => {
      compared.push(stored);
      return false;
    });
    for (const client_id of ['there', 'not-there'])
      await authentication
        .authenticate(new Map(Object.entries({ client_id, client_secret: 'x' })), undefined, [], 0)
        .catch(() => {});
    expect(compared.length).toBe(2);
    // The same cost parameters, so the same time.
    const cost = (text: string) => text.split('$').slice(0, 4).join('$');
    expect(cost(compared[1]!)).toBe(cost(compared[0]!));
  });

  test('many at once are not hashed at once, and too many are told to come back', async () => {
    let atOnce = 0;
    let most = 0;
    const authentication = new ClientAuthentication({ get: () => undefined }, 0, async () => {
      most = Math.max(most, ++atOnce);
      await new Promise((resolve) => setTimeout(resolve, 5));
      atOnce -= 1;
      return false;
    });
    const form = new Map(Object.entries({ client_id: 'a', client_secret: 'x' }));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, () => authentication.authenticate(form, undefined, [], 0)),
    );
    expect(most).toBe(2);
    const codes = outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code);
    expect(codes.filter((code) => code === 'temporarily_unavailable').length).toBe(16);
    expect(codes.filter((code) => code === 'invalid_client').length).toBe(34);
  });
});

describe('requests that are not well-formed', () => {
  test.each<[string, Record<string, string>, Record<string, string>, string]>([
    ['no grant type', {}, {}, 'invalid_request'],
    ['another grant type', { grant_type: 'password' }, {}, 'unsupported_grant_type'],
    ['no credentials', { grant_type: 'client_credentials' }, {}, 'invalid_request'],
    ['a header that is none', { grant_type: 'client_credentials' }, { authorization: 'Basic !!!' }, 'invalid_client'],
    [
      'a header that is bearer',
      { grant_type: 'client_credentials' },
      { authorization: 'Bearer abc' },
      'invalid_client',
    ],
    [
      'two ways at once',
      { grant_type: 'client_credentials', client_secret: 'x' },
      { authorization: 'Basic YTpi' },
      'invalid_request',
    ],
    ['an exchange of nothing', { grant_type: EXCHANGE }, {}, 'invalid_request'],
    [
      'another type of subject',
      { grant_type: EXCHANGE, subject_token: 'a', subject_token_type: 'saml' },
      {},
      'invalid_request',
    ],
  ])('%s', async (_what, form, headers, error) => {
    const { status, body } = await token(form, headers);
    expect(body.error).toBe(error);
    expect(status).toBe(error === 'invalid_client' ? 401 : 400);
  });

  test('a field that comes twice, JSON, and a body that is too large', async () => {
    const send = (body: string, type = 'application/x-www-form-urlencoded') =>
      identity.server.inject({ method: 'POST', url: '/oauth/token', headers: { 'content-type': type }, body });
    for (const response of [
      await send('grant_type=client_credentials&grant_type=password'),
      await send('{"grant_type":"client_credentials"}', 'application/json'),
      await send(`grant_type=${'x'.repeat(40_000)}`),
    ]) {
      expect(response.statusCode).toBe(400);
      expect(response.json().error).toBe('invalid_request');
    }
  });
});

describe('keys in place of a secret', () => {
  test('an assertion is accepted once', async () => {
    const now = Math.floor(Date.now() / 1000) + 1;
    const assertion = await new SignJWT({
      iss: 'keyed',
      sub: 'keyed',
      aud: `${ISSUER}/oauth/token`,
      iat: now,
      exp: now + 60,
      jti: 'once',
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .sign(clientKey);
    expect((await present(assertion)).status).toBe(200);
    expect(await present(assertion)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test.each<[string, JWTPayload]>([
    ['for another service', { aud: 'https://other.example' }],
    ['for the address in the Host header', { aud: 'http://localhost:80' }],
    ['of another issuer', { iss: 'alice' }],
    ['of a client without keys', { iss: 'alice', sub: 'alice' }],
    ['that has expired', { exp: Math.floor(Date.now() / 1000) - 60 }],
    ['that never expires', { exp: undefined as never }],
    ['that is good for a day', { exp: Math.floor(Date.now() / 1000) + 86_400 }],
    ['from before the service started', { iat: Math.floor(Date.now() / 1000) - 290 }],
    ['without an id', { jti: undefined as never }],
    ['without a time', { iat: undefined as never }],
  ])('an assertion %s is refused', async (_what, change) => {
    expect(await withAssertion(change)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test('another key, no signature, and the public key as an HMAC secret are refused', async () => {
    const other = await generateKeyPair('ES256');
    expect((await withAssertion({}, {}, other.privateKey)).status).toBe(401);
    expect((await withAssertion({}, { alg: 'HS256' }, Buffer.from('k1'.repeat(20)))).status).toBe(401);
    const unsecured = new UnsecuredJWT({ jti: 'x', sub: 'keyed', iss: 'keyed', aud: ISSUER })
      .setExpirationTime('1m')
      .encode();
    expect((await present(unsecured)).status).toBe(401);
    for (const text of ['', 'a.b.c', 'null', `${'A'.repeat(5000)}`])
      expect((await present(text)).status).toBeGreaterThanOrEqual(400);
  });
});

describe('what cannot be exchanged', () => {
  test('an authorisation token, a token of other keys, one bent, one unsigned, one of another type', async () => {
    const subject = await authenticated();
    const authorisation = (await exchange(subject)).body.access_token;
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    const claims = { sub: 'alice', jti: 'j', iss: 'sluice-authentication', aud: 'sluice-authorisation' };
    const made = (header: Record<string, unknown>, key: CryptoKey) =>
      new SignJWT(claims)
        .setIssuedAt()
        .setExpirationTime('1m')
        .setProtectedHeader(header as never)
        .sign(key);
    const [ours] = identity.keys.authentication;
    const [signing] = identity.keys.signing;
    for (const bad of [
      authorisation,
      await made({ alg: 'EdDSA', kid: ours!.kid, typ: 'at+jwt' }, privateKey),
      await made({ alg: 'EdDSA', kid: ours!.kid, typ: 'JWT' }, ours!.privateKey!),
      // What signs authorisation tokens says nothing about who someone is.
      await made({ alg: 'EdDSA', kid: signing!.kid, typ: 'at+jwt' }, signing!.privateKey!),
      `${subject.slice(0, -8)}AAAAAAAA`,
      new UnsecuredJWT(claims).setIssuedAt().setExpirationTime('1m').encode(),
      'nonsense',
    ])
      expect(await exchange(bad)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
});

describe('revocation', () => {
  const revoke = (given: string, form: Record<string, string> = {}) =>
    identity.post('/oauth/revoke', { token: given, client_id: 'alice', client_secret: secret, ...form });

  test('a revoked authorisation token is refused by every service, what it brought in before is not', async () => {
    const { revocations, close } = await followRevocations(identity.log.log, () => {});
    const verifier = new TokenVerifier(() => identity.keys, revocations);
    const before = Date.now();
    const given = (await exchange(await authenticated())).body.access_token;
    await verifier.verify(given, before + 1);
    expect((await revoke(given)).status).toBe(200);
    await expect
      .poll(() =>
        verifier.verify(given, Date.now()).then(
          () => 'accepted',
          (error) => error.code,
        ),
      )
      .toBe('revoked');
    await expect(verifier.verify(given, before)).resolves.toMatchObject({ client: 'alice' });
    await close();
  });

  test('a revoked authentication token cannot be exchanged', async () => {
    const subject = await authenticated();
    await revoke(subject);
    await expect.poll(async () => (await exchange(subject)).body.error).toBe('invalid_grant');
  });

  test("another client's token is not revoked, and nobody is told; without credentials nothing is", async () => {
    const other = (await withAssertion({})).body.access_token;
    expect((await revoke(other)).status).toBe(200);
    expect((await revoke('nonsense')).status).toBe(200);
    expect((await exchange(other)).status).toBe(200);
    expect((await revoke(other, { client_secret: 'wrong' })).status).toBe(401);
  });

  test('a client that is locked out gets nothing any more, with the tokens that it had either', async () => {
    const eveSecret = (await addClient(identity.log.log, { clientId: 'eve', grants: GRANTS }, Date.now()))!;
    await expect.poll(async () => (await withSecret('eve', eveSecret)).status).toBe(200);
    const subject = (await withSecret('eve', eveSecret)).body.access_token;
    await disableClient(identity.log.log, 'eve', true, Date.now());
    await expect.poll(async () => (await withSecret('eve', eveSecret)).status).toBe(401);
    expect((await exchange(subject)).body.error).toBe('invalid_grant');
  });
});

test('tokens of a configured issuer are exchanged, others are not, and its keys are fetched from where the config says', async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'idp', alg: 'RS256' }] });
  const idp = createServer((_request, response) => response.setHeader('content-type', 'application/json').end(jwks));
  await new Promise<void>((resolve) => idp.listen(0, '127.0.0.1', resolve));
  const jwksUri = `http://127.0.0.1:${(idp.address() as AddressInfo).port}/keys`;
  const other = await openIdentity({
    externalIssuers: [{ issuer: 'https://idp.example', jwksUri, audience: 'sluice', clientClaim: 'azp' }],
  });
  try {
    await addClient(other.log.log, { clientId: 'alice', grants: GRANTS }, Date.now());
    const made = (change: JWTPayload) =>
      new SignJWT({ iss: 'https://idp.example', aud: 'sluice', azp: 'alice', ...change })
        .setIssuedAt()
        .setExpirationTime('1m')
        .setProtectedHeader({ alg: 'RS256', kid: 'idp' })
        .sign(privateKey);
    const ask = async (change: JWTPayload) =>
      other.post('/oauth/token', {
        grant_type: EXCHANGE,
        subject_token: await made(change),
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      });
    await expect.poll(async () => (await ask({})).status).toBe(200);
    expect(await openToken(other.keys, (await ask({})).body.access_token)).toMatchObject({ client: 'alice' });
    for (const change of [
      { iss: 'https://evil.example' },
      { aud: 'mail' },
      { azp: 'nobody' },
      { azp: 7 },
      { azp: '../x' },
    ])
      expect((await ask(change as JWTPayload)).body.error).toBe('invalid_grant');
  } finally {
    await other.close();
    await new Promise((resolve) => idp.close(resolve));
  }
});

test('the database taken away: tokens for idempotent work only, to clients known, visible in metrics; then all is well again', async () => {
  const own = await openIdentity();
  const value = async (name: string, labels: Record<string, string> = {}) => {
    const { values } = await own.metrics.getSingleMetric(name)!.get();
    return values.find((it) => Object.entries(labels).every(([key, text]) => it.labels[key] === text))?.value;
  };
  try {
    const known = (await addClient(own.log.log, { clientId: 'known', grants: GRANTS }, Date.now()))!;
    const unseen = (await addClient(own.log.log, { clientId: 'unseen', grants: GRANTS }, Date.now()))!;
    const login = (client_id: string, client_secret: string) =>
      own.post('/oauth/token', { grant_type: 'client_credentials', client_id, client_secret });
    const swap = (subject_token: string) =>
      own.post('/oauth/token', { grant_type: EXCHANGE, subject_token, subject_token_type: ACCESS_TOKEN });
    await expect.poll(async () => (await login('unseen', unseen)).status).toBe(200);
    const subject = (await login('known', known)).body.access_token;
    expect(await value('sluice_identity_store_up')).toBe(1);

    // Its table goes, and a directory stands where the new file would be made, so that it stays away.
    const database = new Database(join(own.storeFolder, 'clients.sqlite'));
    database.exec('DROP TABLE entity');
    database.close();
    await mkdir(join(own.storeFolder, 'clients.sqlite.damaged', 'x'), { recursive: true });

    const degraded = await swap(subject);
    expect(degraded.status).toBe(200);
    const claims = await openToken(own.keys, degraded.body.access_token);
    expect(claims).toMatchObject({ client: 'known', idempotentOnly: true });
    expect(claims.expiresAt - claims.issuedAt).toBeLessThanOrEqual(122_000);
    expect(await login('known', known)).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
    expect(await value('sluice_identity_store_up')).toBe(0);
    expect(await value('sluice_identity_tokens_total', { degraded: 'true' })).toBe(1);

    await rm(join(own.storeFolder, 'clients.sqlite.damaged'), { recursive: true });
    await expect.poll(async () => (await login('known', known)).status).toBe(200);
    expect((await openToken(own.keys, (await swap(subject)).body.access_token)).idempotentOnly).toBe(false);
    expect(await value('sluice_identity_store_up')).toBe(1);
  } finally {
    await own.close();
  }
});

test('one address cannot ask without end', async () => {
  const own = await openIdentity({ requestsPerMinute: 3 });
  try {
    const ask = () => own.post('/oauth/token', { grant_type: 'password' });
    for (let n = 0; n < 3; n++) expect((await ask()).status).toBe(400);
    const refused = await ask();
    expect(refused).toMatchObject({ status: 429, body: { error: 'slow_down' } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  } finally {
    await own.close();
  }
});
