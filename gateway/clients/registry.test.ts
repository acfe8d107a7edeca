import { exportJWK, generateKeyPair } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { followRevocations } from '../../protocol/claims/follow-revocations.ts';
import { openTestLog, type TestLog } from '../testing/embedded-log.ts';
import { addClient, disableClient, limitClient, listClients, RegistryError, showClient } from './registry.ts';
import { fitsHash, hashSecret } from './secret-hash.ts';

const NOW = 1_800_000_000_000;
let log: TestLog;

beforeEach(async () => {
  log = await openTestLog();
});
afterEach(() => log.remove());

test('a client is added, shown, limited, disabled and let in again; its secret is shown once and kept as a hash', async () => {
  const secret = await addClient(log.log, { clientId: 'alice', grants: { 'ocr-*': { language: 'en' } } }, NOW);
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect(await showClient(log.log, 'alice')).toEqual({
    client: 'alice',
    grants: { 'ocr-*': { language: 'en' } },
    methods: ['secret'],
    limits: { requestsPerSecond: 0, requestsInFlight: 0 },
    disabled: undefined,
    created: new Date(NOW).toISOString(),
    changed: new Date(NOW).toISOString(),
  });
  for (const record of await log.records('clients-1')) expect(record.value!.includes(secret!)).toBe(false);

  await limitClient(log.log, 'alice', { requestsPerSecond: 5 }, NOW + 1);
  await limitClient(log.log, 'alice', { requestsInFlight: 2 }, NOW + 2);
  await disableClient(log.log, 'alice', true, NOW + 3);
  expect(await showClient(log.log, 'alice')).toMatchObject({
    grants: { 'ocr-*': { language: 'en' } },
    limits: { requestsPerSecond: 5, requestsInFlight: 2 },
    disabled: new Date(NOW + 3).toISOString(),
  });
  const { revocations, close } = await followRevocations(log.log, () => {});
  expect(revocations.isRevoked({ client: 'alice', tokenId: 'any', issuedAt: NOW }, NOW + 3)).toBe(true);
  await close();
  await disableClient(log.log, 'alice', false, NOW + 4);
  expect((await showClient(log.log, 'alice')).disabled).toBeUndefined();
});

test('a client with keys gets no secret', async () => {
  const { publicKey } = await generateKeyPair('ES256');
  const jwks = JSON.stringify({ keys: [await exportJWK(publicKey)] });
  expect(await addClient(log.log, { clientId: 'bob', grants: {}, jwks }, NOW)).toBeUndefined();
  expect((await showClient(log.log, 'bob')).methods).toEqual(['private_key_jwt']);
  expect((await listClients(log.log)).map(({ client }) => client)).toEqual(['bob']);
});

describe('what is refused', () => {
  test('an id that is none, a client twice, a grant that is none, a limit below 0, a client that is not there', async () => {
    await addClient(log.log, { clientId: 'alice', grants: {} }, NOW);
    await expect(addClient(log.log, { clientId: 'a/b', grants: {} }, NOW)).rejects.toThrow(RegistryError);
    await expect(addClient(log.log, { clientId: 'alice', grants: {} }, NOW)).rejects.toThrow(RegistryError);
    await expect(addClient(log.log, { clientId: 'eve', grants: { all: {} } }, NOW)).rejects.toThrow(TypeError);
    await expect(limitClient(log.log, 'alice', { requestsPerSecond: -1 }, NOW)).rejects.toThrow(RegistryError);
    await expect(limitClient(log.log, 'nobody', {}, NOW)).rejects.toThrow(RegistryError);
    await expect(disableClient(log.log, 'nobody', true, NOW)).rejects.toThrow(RegistryError);
    await expect(showClient(log.log, 'nobody')).rejects.toThrow(RegistryError);
  });

  test('private and symmetric keys: they are not ours to know', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const sets = [{ keys: [await exportJWK(privateKey)] }, { keys: [{ kty: 'oct', k: 'AAAA' }] }, { keys: [] }, {}];
    for (const set of [...sets.map((it) => JSON.stringify(it)), 'not JSON'])
      await expect(addClient(log.log, { clientId: 'eve', grants: {}, jwks: set }, NOW), set).rejects.toThrow(
        RegistryError,
      );
  });
});

test('a hash fits its secret and no other; a stored hash that asks for gigabytes fits nothing', async () => {
  const hash = await hashSecret('correct horse');
  expect(await fitsHash('correct horse', hash)).toBe(true);
  expect(await fitsHash('correct horsf', hash)).toBe(false);
  expect(await fitsHash('', hash)).toBe(false);
  expect(await hashSecret('correct horse')).not.toBe(hash);
  for (const bad of ['', 'x', hash.replace('$15$', '$31$'), hash.replace('$8$', '$999$'), hash.slice(0, 30)])
    expect(await fitsHash('correct horse', bad)).toBe(false);
});
