/** Tokens judged at a moment, and remembered no longer or further than is right. */
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { base64url } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, HOUR, NOW, TokenForge, withPart } from '../testing/token-forge.ts';
import { openTokenKeys } from './keys.ts';
import { openToken } from './token.ts';
import { TokenVerifier } from './verifier.ts';

let forge: TokenForge;
beforeAll(async () => {
  forge = await TokenForge.open();
});
afterAll(() => forge.close());

describe('time', () => {
  const verifier = new TokenVerifier(() => forge.keys);
  test.each([
    [0, 'accepted'],
    [HOUR - 1, 'accepted'],
    [HOUR + 4_999, 'accepted'],
    [HOUR + 5_000, 'expired'],
    [-5_000, 'accepted'],
    [-5_001, 'not-yet-valid'],
  ])('%i ms after it was issued it is %s', async (after, verdict) => {
    expect(await codeOf(verifier.verify(await forge.mint(), NOW + after))).toBe(verdict);
  });

  test('the same token is judged anew at each moment that is asked about', async () => {
    const token = await forge.mint();
    expect(await codeOf(verifier.verify(token, NOW))).toBe('accepted');
    expect(await codeOf(verifier.verify(token, NOW + 2 * HOUR))).toBe('expired');
    expect(await codeOf(verifier.verify(token, NOW + 1))).toBe('accepted');
  });
});

describe('the verifier', () => {
  test('forgets what retired keys had opened', async () => {
    let current = forge.keys;
    const verifier = new TokenVerifier(() => current);
    const token = await forge.mint();
    await verifier.verify(token, NOW);
    current = await openTokenKeys(join(forge.folder, 'retired'));
    expect(await codeOf(verifier.verify(token, NOW))).toBe('unknown-key');
  });

  test('does not remember what it refused as accepted, nor one token as another', async () => {
    const verifier = new TokenVerifier(() => forge.keys);
    const token = await forge.mint();
    await verifier.verify(token, NOW);
    const forged = withPart(token, 4, () => base64url.encode(randomBytes(16)));
    expect(await codeOf(verifier.verify(forged, NOW))).toBe('forged');
    expect(await codeOf(verifier.verify(forged, NOW))).toBe('forged');
  });

  test('errors never quote the token', async () => {
    const token = await forge.mint();
    const error = await openToken(
      forge.keys,
      withPart(token, 3, () => randomUUID()),
    ).catch((thrown: Error) => thrown);
    expect(String(error)).not.toContain(token.slice(0, 20));
  });
});
