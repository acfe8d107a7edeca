/** The files of the keys: whose they are, that two processes agree on them, and that a damaged one is not replaced. */
import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TokenForge } from '../testing/token-forge.ts';
import { openTokenKeys, type TokenKeys } from './keys.ts';

let forge: TokenForge;
beforeAll(async () => {
  forge = await TokenForge.open();
});
afterAll(() => forge.close());

test('the files of the keys are for their owner alone', async () => {
  for (const file of ['signing.jwks.json', 'encryption.jwks.json'])
    expect((await stat(join(forge.folder, file))).mode & 0o077).toBe(0);
});

test('opening the folder again gives the same keys; two at once agree', async () => {
  const kids = (set: TokenKeys) => [...set.signing, ...set.encryption].map(({ kid }) => kid);
  expect(kids(await openTokenKeys(forge.folder))).toEqual(kids(forge.keys));
  const fresh = join(forge.folder, 'fresh');
  const [a, b] = await Promise.all([openTokenKeys(fresh), openTokenKeys(fresh)]);
  expect(kids(a!)).toEqual(kids(b!));
});

test('a damaged key file is refused, not replaced', async () => {
  const broken = await mkdtemp(join(forge.folder, 'broken-'));
  await openTokenKeys(broken);
  const file = join(broken, 'signing.jwks.json');
  for (const content of ['', '{', '{"keys": []}', '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA"}]}']) {
    await writeFile(file, content);
    await expect(openTokenKeys(broken), content).rejects.toThrow(/signing\.jwks\.json/);
    expect(await readFile(file, 'utf8')).toBe(content);
  }
});
