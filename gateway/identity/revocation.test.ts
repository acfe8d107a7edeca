/** Tokens and clients that are locked out. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { followRevocations } from '../../protocol/claims/follow-revocations.ts';
import { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { addClient, disableClient } from '../clients/registry.ts';
import { GRANTS, KnownClients } from '../testing/known-clients.ts';

let clients: KnownClients;
beforeAll(async () => {
  clients = await KnownClients.open();
});
afterAll(() => clients.close());

const revoke = (given: string, form: Record<string, string> = {}) =>
  clients.identity.post('/oauth/revoke', {
    token: given,
    client_id: 'alice',
    client_secret: clients.secret,
    ...form,
  });

test('a revoked authorisation token is refused by every service, what it brought in before is not', async () => {
  const { revocations, close } = await followRevocations(clients.identity.log.log, () => {});
  const verifier = new TokenVerifier(() => clients.identity.keys, revocations);
  const before = Date.now();
  const given = (await clients.exchange(await clients.authenticated())).body.access_token;
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
  const subject = await clients.authenticated();
  await revoke(subject);
  await expect.poll(async () => (await clients.exchange(subject)).body.error).toBe('invalid_grant');
});

test("another client's token is not revoked, and nobody is told; without credentials nothing is", async () => {
  const other = (await clients.withAssertion({})).body.access_token;
  expect((await revoke(other)).status).toBe(200);
  expect((await revoke('nonsense')).status).toBe(200);
  expect((await clients.exchange(other)).status).toBe(200);
  expect((await revoke(other, { client_secret: 'wrong' })).status).toBe(401);
});

test('a client that is locked out gets nothing any more, with the tokens that it had either', async () => {
  // A client is registered once, also where the test is run again.
  const eve = `eve-${randomUUID()}`;
  const eveSecret = (await addClient(clients.identity.log.log, { clientId: eve, grants: GRANTS }, Date.now()))!;
  await expect.poll(async () => (await clients.withSecret(eve, eveSecret)).status).toBe(200);
  const subject = (await clients.withSecret(eve, eveSecret)).body.access_token;
  await disableClient(clients.identity.log.log, eve, true, Date.now());
  await expect.poll(async () => (await clients.withSecret(eve, eveSecret)).status).toBe(401);
  expect((await clients.exchange(subject)).body.error).toBe('invalid_grant');
});
