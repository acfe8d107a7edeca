/** Secrets and assertions that are refused, and that refusals tell nothing about who is registered. */
import { generateKeyPair, type JWTPayload, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashSecret } from '../clients/secret-hash.ts';
import { ISSUER, KnownClients } from '../testing/known-clients.ts';
import { ClientAuthentication } from './client-authentication.ts';

let clients: KnownClients;
beforeAll(async () => {
  clients = await KnownClients.open();
});
afterAll(() => clients.close());

describe('secrets that are refused, all in the same words', () => {
  test.each<[string, () => ReturnType<KnownClients['withSecret']>]>([
    ['a wrong one', () => clients.withSecret('alice', 'wrong')],
    ['one of nobody', () => clients.withSecret('nobody')],
    ['of a client that has keys', () => clients.withSecret('keyed')],
    ['a client that is no id', () => clients.withSecret('../alice')],
    ['a client named as a record of another kind', () => clients.withSecret('webhook/alice')],
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

describe('keys in place of a secret', () => {
  test('an assertion is accepted once', async () => {
    const assertion = await clients.assertion({ aud: `${ISSUER}/oauth/token` });
    expect((await clients.present(assertion)).status).toBe(200);
    expect(await clients.present(assertion)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
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
    expect(await clients.withAssertion(change)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test('another key, no signature, and the public key as an HMAC secret are refused', async () => {
    const other = await generateKeyPair('ES256');
    expect((await clients.withAssertion({}, {}, other.privateKey)).status).toBe(401);
    expect((await clients.withAssertion({}, { alg: 'HS256' }, Buffer.from('k1'.repeat(20)))).status).toBe(401);
    const unsecured = new UnsecuredJWT({ jti: 'x', sub: 'keyed', iss: 'keyed', aud: ISSUER })
      .setExpirationTime('1m')
      .encode();
    expect((await clients.present(unsecured)).status).toBe(401);
    for (const text of ['', 'a.b.c', 'null', `${'A'.repeat(5000)}`])
      expect((await clients.present(text)).status).toBeGreaterThanOrEqual(400);
  });
});
