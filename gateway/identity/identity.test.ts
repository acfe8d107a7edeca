/** The way of a client from its secret to a token that services accept, and requests that are not well-formed. */
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openToken } from '../../protocol/claims/token.ts';
import { openIdentity } from '../testing/identity-fixture.ts';
import { EXCHANGE, GRANTS, ISSUER, KnownClients } from '../testing/known-clients.ts';

let clients: KnownClients;
beforeAll(async () => {
  clients = await KnownClients.open();
});
afterAll(() => clients.close());

describe('from a secret to a token', () => {
  test('the whole way: authentication token, authorisation token with the registered grants', async () => {
    const first = await clients.withSecret();
    expect(first.headers['cache-control']).toBe('no-store');
    expect(first.body).toMatchObject({ token_type: 'Bearer' });
    const second = await clients.exchange(first.body.access_token);
    expect(second.status).toBe(200);
    expect(second.body).toMatchObject({
      token_type: 'Bearer',
      issued_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      scope: 'ingest-1 ocr-* firehose-1 push-1',
    });
    const claims = await openToken(clients.identity.keys, second.body.access_token);
    // There is no webhook yet, so push-1 says nothing: it is good for opting in.
    expect(claims).toMatchObject({ client: 'alice', grants: GRANTS, idempotentOnly: false });
    const seconds = (claims.expiresAt - claims.issuedAt) / 1000;
    expect(seconds).toBeGreaterThanOrEqual(0.8 * 900 - 2);
    expect(seconds).toBeLessThanOrEqual(902);
  });

  test('the secret may come in the header, form-encoded', async () => {
    const basic = Buffer.from(`alice:${encodeURIComponent(clients.secret)}`).toString('base64');
    expect(
      (await clients.token({ grant_type: 'client_credentials' }, { authorization: `Basic ${basic}` })).status,
    ).toBe(200);
  });

  test('tokens issued together do not expire together', async () => {
    const subject = await clients.authenticated();
    const expiries = await Promise.all(
      Array.from({ length: 12 }, async () => (await clients.exchange(subject)).body.expires_in),
    );
    expect(new Set(expiries).size).toBeGreaterThan(3);
  });

  test('less may be asked for, more not', async () => {
    const subject = await clients.authenticated();
    const narrow = await clients.exchange(subject, { scope: 'ocr-1.0' });
    expect(narrow.body.scope).toBe('ocr-1.0');
    expect((await openToken(clients.identity.keys, narrow.body.access_token)).grants).toEqual({
      'ocr-1.0': { language: 'en' },
    });
    for (const scope of ['faceextract-1', 'ocr-1 faceextract-1', 'everything', '*'])
      expect(await clients.exchange(subject, { scope })).toMatchObject({
        status: 400,
        body: { error: 'invalid_scope' },
      });
  });

  test('the published keys verify authentication tokens; an authentication token opens nothing by itself', async () => {
    const jwks = (await clients.identity.server.inject('/oauth/jwks')).json();
    const subject = await clients.authenticated();
    const { payload } = await jwtVerify(subject, createLocalJWKSet(jwks), { audience: 'sluice-authorisation' });
    expect(payload.sub).toBe('alice');
    await expect(openToken(clients.identity.keys, subject)).rejects.toMatchObject({ code: 'malformed' });
  });

  test('the metadata names the endpoints', async () => {
    const metadata = (await clients.identity.server.inject('/.well-known/oauth-authorization-server')).json();
    expect(metadata).toMatchObject({
      issuer: ISSUER,
      token_endpoint: `${ISSUER}/oauth/token`,
      revocation_endpoint: `${ISSUER}/oauth/revoke`,
      jwks_uri: `${ISSUER}/oauth/jwks`,
      grant_types_supported: ['client_credentials', EXCHANGE],
    });
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
    const { status, body } = await clients.token(form, headers);
    expect(body.error).toBe(error);
    expect(status).toBe(error === 'invalid_client' ? 401 : 400);
  });

  test('a field that comes twice, JSON, and a body that is too large', async () => {
    const send = (body: string, type = 'application/x-www-form-urlencoded') =>
      clients.identity.server.inject({ method: 'POST', url: '/oauth/token', headers: { 'content-type': type }, body });
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

test('a connection that is gone before its address is asked for is refused, and no fault', async () => {
  const own = await openIdentity();
  try {
    const { server } = own.server;
    server.prependListener('request', ({ socket }: IncomingMessage) =>
      Object.defineProperty(socket, 'remoteAddress', { value: undefined }),
    );
    await own.server.listen({ host: '127.0.0.1', port: 0 });
    const { port } = server.address() as AddressInfo;
    const body = new URLSearchParams({ grant_type: 'password' });
    const response = await fetch(`http://127.0.0.1:${port}/oauth/token`, { method: 'POST', body });
    expect(await response.json()).toMatchObject({ error: 'invalid_request' });
  } finally {
    await own.close();
  }
});
