/** What is exchanged for an authorisation token and what is not: our own proofs, those of other issuers, and forgeries. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openToken } from '../../protocol/claims/token.ts';
import { addClient } from '../clients/registry.ts';
import { openIdentity } from '../testing/identity-fixture.ts';
import { EXCHANGE, GRANTS, KnownClients } from '../testing/known-clients.ts';

let clients: KnownClients;
beforeAll(async () => {
  clients = await KnownClients.open();
});
afterAll(() => clients.close());

test('not exchanged: an authorisation token, a token of other keys, one bent, one unsigned, one of another type', async () => {
  const subject = await clients.authenticated();
  const authorisation = (await clients.exchange(subject)).body.access_token;
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  const claims = { sub: 'alice', jti: 'j', iss: 'sluice-authentication', aud: 'sluice-authorisation' };
  const made = (header: Record<string, unknown>, key: CryptoKey) =>
    new SignJWT(claims)
      .setIssuedAt()
      .setExpirationTime('1m')
      .setProtectedHeader(header as never)
      .sign(key);
  const [ours] = clients.identity.keys.authentication;
  const [signing] = clients.identity.keys.signing;
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
    expect(await clients.exchange(bad)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
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
