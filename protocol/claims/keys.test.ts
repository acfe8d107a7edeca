import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { retireTokenKey } from './key-retirement.ts';
import { openKeyRing } from './key-ring.ts';
import { KEY_USES, listTokenKeys, openTokenKeys, publicJwks, rotateTokenKeys } from './keys.ts';
import { mintToken, openToken } from './token.ts';

const NOW = Date.now();
const CLAIMS = { client: 'alice', grants: {}, issuedAt: NOW, expiresAt: NOW + 60_000 };
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-keys-'));
});
afterAll(() => rm(root, { recursive: true }));

const newFolder = () => mkdtemp(join(root, 'keys-'));

test('a rotation goes: announced, used, the old one accepted', async () => {
  const folder = await newFolder();
  const before = await openTokenKeys(folder, NOW);
  const oldToken = await mintToken(before, CLAIMS);
  await rotateTokenKeys(folder, NOW + 10_000);

  expect((await listTokenKeys(folder, NOW)).map(({ use, state }) => `${use} ${state}`)).toEqual(
    KEY_USES.flatMap((use) => [`${use} coming`, `${use} in use`]),
  );
  const announced = await openTokenKeys(folder, NOW);
  expect(announced.signing[0]!.kid).toBe(before.signing[0]!.kid);

  const rotated = await openTokenKeys(folder, NOW + 10_000);
  expect(rotated.signing[0]!.kid).not.toBe(before.signing[0]!.kid);
  const newToken = await mintToken(rotated, CLAIMS);
  // Whoever has read the announcement accepts both already.
  for (const keys of [announced, rotated])
    for (const token of [oldToken, newToken]) expect((await openToken(keys, token)).client).toBe('alice');
});

test('what is published holds nothing private', async () => {
  const { authentication } = await openTokenKeys(await newFolder());
  const { keys } = await publicJwks(authentication);
  expect(keys.map((key) => Object.keys(key).sort())).toEqual([['alg', 'crv', 'kid', 'kty', 'use', 'x']]);
});

test('a ring notices a rotation and a retirement by itself, and gives one object in between', async () => {
  const folder = await newFolder();
  const ring = await openKeyRing(folder, { lookEveryMs: 10 });
  const first = ring.keys();
  const [old] = first.signing;
  expect(ring.keys()).toBe(first);
  await rotateTokenKeys(folder, Date.now() - 1000);
  await expect.poll(() => ring.keys().signing[0]!.kid).not.toBe(old!.kid);
  expect(ring.keys().signing.map(({ kid }) => kid)).toContain(old!.kid);
  const now = Date.now();
  await retireTokenKey(folder, old!.kid, now, now);
  await expect.poll(() => ring.keys().signing.find(({ kid }) => kid === old!.kid)?.retiredAt).toBeLessThanOrEqual(now);
  ring.close();
});

test('a ring begins to use an announced key when its time comes', async () => {
  const folder = await newFolder();
  let now = NOW;
  const ring = await openKeyRing(folder, { lookEveryMs: 10, now: () => now });
  const [old] = ring.keys().signing;
  await rotateTokenKeys(folder, NOW + 2_000);
  await expect.poll(() => ring.keys().signing.length).toBe(2);
  expect(ring.keys().signing[0]).toMatchObject({ kid: old!.kid });
  now += 2_000;
  await expect.poll(() => ring.keys().signing[0]!.kid).not.toBe(old!.kid);
  ring.close();
});

test('no key is called what a command line would take for an option', async () => {
  const kids: string[] = [];
  // Without the rule a hundred folders hold such a key but once in a hundred runs.
  for (let folders = 0; folders < 100; folders++) {
    const { signing, encryption, authentication } = await openTokenKeys(await newFolder(), NOW);
    kids.push(...[...signing, ...encryption, ...authentication].map(({ kid }) => kid));
  }
  expect(kids).toHaveLength(300);
  expect(kids.filter((kid) => kid.startsWith('-'))).toEqual([]);
});
