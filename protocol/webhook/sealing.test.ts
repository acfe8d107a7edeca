import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newSecret, openSealingKeys, openSecret, SealError, sealSecret, secretKey } from './sealing.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-sealing-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('what is sealed opens again, also after a restart', async () => {
  const secret = newSecret();
  const sealed = await sealSecret(await openSealingKeys(folder), 'ada', secret);
  expect(sealed).not.toContain(secret.slice(6));
  expect(await openSecret(await openSealingKeys(folder), 'ada', sealed)).toBe(secret);
});

test('two processes that start at once agree on the key', async () => {
  const fresh = join(folder, 'fresh');
  const [a, b] = await Promise.all([openSealingKeys(fresh), openSealingKeys(fresh)]);
  expect(await openSecret(b, 'ada', await sealSecret(a, 'ada', 'whsec_x'))).toBe('whsec_x');
});

test("one client's secret does not open for another", async () => {
  const keys = await openSealingKeys(folder);
  await expect(openSecret(keys, 'bob', await sealSecret(keys, 'ada', newSecret()))).rejects.toThrow(SealError);
});

test('what was changed does not open', async () => {
  const keys = await openSealingKeys(folder);
  const sealed = await sealSecret(keys, 'ada', newSecret());
  const parts = sealed.split('.');
  parts[3] = parts[3]!.startsWith('A') ? `B${parts[3]!.slice(1)}` : `A${parts[3]!.slice(1)}`;
  await expect(openSecret(keys, 'ada', parts.join('.'))).rejects.toThrow(SealError);
});

test('after a new key was put first, what the old one sealed still opens', async () => {
  const [keys, other] = await Promise.all([openSealingKeys(folder), openSealingKeys(join(folder, 'other'))]);
  const sealed = await sealSecret(keys, 'ada', 'whsec_old');
  expect(await openSecret([...other, ...keys] as unknown as typeof keys, 'ada', sealed)).toBe('whsec_old');
  await expect(openSecret(other, 'ada', sealed)).rejects.toThrow(SealError);
});

test('a key file that is damaged is not replaced', async () => {
  const damaged = await mkdtemp(join(folder, 'damaged-'));
  await openSealingKeys(damaged);
  const file = join(damaged, 'webhook-secrets.jwks.json');
  await writeFile(file, '{"keys":[]}');
  await expect(openSealingKeys(damaged)).rejects.toThrow(SealError);
  expect(await readFile(file, 'utf8')).toBe('{"keys":[]}');
});

test.each(['', 'whsec_', 'whsec_c2hvcnQ=', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])('%j is no secret', (secret) => {
  expect(() => secretKey(secret)).toThrow(TypeError);
});
