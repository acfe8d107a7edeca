import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { forgetTokenKey, KeyNeededError, retireTokenKey } from './key-retirement.ts';
import { type KeyListing, listTokenKeys, openTokenKeys, rotateTokenKeys } from './keys.ts';
import { mintToken, openToken } from './token.ts';
import { TokenVerifier } from './verifier.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 21, 12);
/** Retirement has its moment a little later than the command. */
const RETIRED = NOW + 30_000;
let folder: string;
let token: string;

/** Two keys of each use, the second in use; the token was made with the first. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-retirement-'));
  const claims = { client: 'alice', grants: {}, issuedAt: NOW - HOUR, expiresAt: NOW + HOUR };
  token = await mintToken(await openTokenKeys(folder, NOW), claims);
  await rotateTokenKeys(folder, NOW - 1000);
});
afterEach(() => rm(folder, { recursive: true }));

const keysIn = async (state: KeyListing['state']) =>
  (await listTokenKeys(folder, NOW)).filter((key) => key.state === state);

async function retireAll(): Promise<void> {
  for (const { kid } of await keysIn('accepted')) await retireTokenKey(folder, kid, NOW, RETIRED);
}

async function verifier(): Promise<TokenVerifier> {
  const keys = await openTokenKeys(folder, NOW);
  return new TokenVerifier(() => keys);
}

test.each(['signing', 'encryption'])(
  'a retired %s key: nothing new, but what was taken in before and its results',
  async (use) => {
    const key = (await keysIn('accepted')).find((accepted) => accepted.use === use)!;
    await retireTokenKey(folder, key.kid, NOW, RETIRED);
    const after = await verifier();
    await expect(after.verify(token, RETIRED)).rejects.toMatchObject({ code: 'retired-key' });
    expect((await after.verify(token, RETIRED - 1)).client).toBe('alice');
    expect((await after.authentic(token)).client).toBe('alice');
    expect(await keysIn('retired')).toEqual([{ ...key, state: 'retired', retiredAt: RETIRED }]);
  },
);

test('the tokens of the keys in use are as good as before', async () => {
  await retireAll();
  const keys = await openTokenKeys(folder, NOW);
  const claims = { client: 'bob', grants: {}, issuedAt: NOW, expiresAt: NOW + HOUR };
  const made = await mintToken(keys, claims);
  expect((await (await verifier()).verify(made, RETIRED + 1000)).client).toBe('bob');
});

test('nobody can sign with what is kept of a retired signing key', async () => {
  const { kid } = (await keysIn('accepted')).find(({ use }) => use === 'signing')!;
  const stored = async () => {
    const { keys } = JSON.parse(await readFile(join(folder, 'signing.jwks.json'), 'utf8'));
    return keys.find((key: { kid: string }) => key.kid === kid);
  };
  expect(await stored()).toHaveProperty('d');
  await retireTokenKey(folder, kid, NOW, RETIRED);
  expect(await stored()).not.toHaveProperty('d');
});

test('what no message on the log was made with is gone at once', async () => {
  await rotateTokenKeys(folder, NOW + HOUR);
  const gone = [
    ...(await keysIn('coming')),
    ...(await keysIn('accepted')).filter(({ use }) => use === 'authentication'),
  ];
  expect(gone).toHaveLength(4);
  for (const { kid } of gone) await retireTokenKey(folder, kid, NOW, RETIRED);
  const left = (await listTokenKeys(folder, NOW)).map(({ kid }) => kid);
  for (const { kid } of gone) expect(left).not.toContain(kid);
});

test('a retired key is forgotten when the log has let go of the last that was taken in under it, not a moment sooner', async () => {
  await retireAll();
  const [signing] = await keysIn('retired');
  const forget = (now: number, keepMs: number) => forgetTokenKey(folder, signing!.kid, now, keepMs);
  await expect(forget(RETIRED + 8 * HOUR - 1, 8 * HOUR)).rejects.toThrow(KeyNeededError);
  await expect(forget(RETIRED + 8 * HOUR - 1, 8 * HOUR)).rejects.toThrow('until 2026-11-21T20:00:30.000Z');
  await expect(forget(RETIRED + 8 * HOUR, Number.POSITIVE_INFINITY)).rejects.toThrow('for ever');
  await forget(RETIRED + 8 * HOUR, 8 * HOUR);
  expect((await keysIn('retired')).map(({ use }) => use)).toEqual(['encryption']);
  await expect(openToken(await openTokenKeys(folder), token)).rejects.toMatchObject({ code: 'unknown-key' });
});

test('forced, it is forgotten at once', async () => {
  await retireAll();
  const [key] = await keysIn('retired');
  await forgetTokenKey(folder, key!.kid, NOW, 0);
  expect((await listTokenKeys(folder, NOW)).map(({ kid }) => kid)).not.toContain(key!.kid);
});

test('what makes no sense is refused: the key in use, an unknown one, one twice, one that is not retired', async () => {
  for (const { kid } of await keysIn('in use')) {
    await expect(retireTokenKey(folder, kid, NOW, RETIRED)).rejects.toThrow(/in use/);
    await expect(forgetTokenKey(folder, kid, NOW, 0)).rejects.toThrow(/in use: retire it first/);
  }
  await expect(retireTokenKey(folder, 'nobody', NOW, RETIRED)).rejects.toThrow(/no key/);
  const [accepted] = await keysIn('accepted');
  await expect(forgetTokenKey(folder, accepted!.kid, NOW, 0)).rejects.toThrow(/retire it first/);
  await retireTokenKey(folder, accepted!.kid, NOW, RETIRED);
  await expect(retireTokenKey(folder, accepted!.kid, NOW, RETIRED)).rejects.toThrow(/retired already/);
});
