/** What a token is good for: what it says, who can read it, and what becomes of one that is bent. */
import fc from 'fast-check';
import { base64url, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GRANTS, HOUR, NOW, TokenForge, VALID } from '../testing/token-forge.ts';
import { MAX_TOKEN_LENGTH, openToken, TOKEN_ISSUER } from './token.ts';

let forge: TokenForge;
beforeAll(async () => {
  forge = await TokenForge.open();
});
afterAll(() => forge.close());

test('a minted token opens to what it was minted for', async () => {
  const claims = await openToken(forge.keys, await forge.mint());
  expect(claims).toMatchObject({ client: 'alice', grants: GRANTS, issuedAt: NOW, expiresAt: NOW + HOUR });
  expect(await forge.opened(await forge.made({}))).toBe('accepted');
});

test('nobody can read it', async () => {
  const token = await forge.mint('alice-of-the-long-name');
  const plain = token.split('.').map((part) => Buffer.from(base64url.decode(part)).toString('latin1'));
  expect(plain.join()).not.toMatch(/alice|ocr/);
});

test('two tokens of one client have different ids', async () => {
  const [a, b] = await Promise.all(
    [forge.mint(), forge.mint()].map(async (token) => openToken(forge.keys, await token)),
  );
  expect(a!.tokenId).not.toBe(b!.tokenId);
});

describe('tampering', () => {
  test('any character of the token changed', async () => {
    const token = await forge.mint();
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.nat(63), async (at, index) => {
        const changed = token.slice(0, at) + alphabet[index] + token.slice(at + 1);
        fc.pre(changed !== token && token[at] !== '.');
        // The last character of a part may hold bits that mean nothing: then it is the same token.
        const same = token.split('.').every((part, n) => equalBytes(part, changed.split('.')[n]!));
        fc.pre(!same);
        expect(await forge.opened(changed)).not.toBe('accepted');
      }),
      { numRuns: 200 },
    );
  });

  test('cut, extended, empty, five empty parts, too long', async () => {
    const token = await forge.mint();
    for (const bad of [token.slice(0, -1), `${token}.`, `${token}A.A`, '', '....', 'a.b.c', 'null', '{}'])
      expect(await forge.opened(bad), bad).not.toBe('accepted');
    expect(await forge.opened(`${token}${'A'.repeat(MAX_TOKEN_LENGTH)}`)).toBe('malformed');
  });

  function equalBytes(a: string, b: string): boolean {
    return Buffer.from(a, 'base64url').equals(Buffer.from(b, 'base64url'));
  }
});

describe('nesting', () => {
  test('only signed, only encrypted, encrypted twice', async () => {
    const signed = await forge.signed(VALID);
    expect(await forge.opened(signed)).toBe('malformed');
    expect(await forge.opened(await forge.sealed(JSON.stringify(VALID)))).not.toBe('accepted');
    expect(await forge.opened(await forge.sealed(await forge.mint()))).not.toBe('accepted');
  });

  test.each([undefined, 'json', 'jwt ', 'JWE', ['JWT']])('content type %j outside', async (cty) => {
    expect(await forge.opened(await forge.made({ outer: { cty } }))).toBe('malformed');
  });

  test.each([undefined, 'JWT', 'at+jwt', 'logout+jwt', ['sluice-grants+jwt']])('type %j inside', async (typ) => {
    expect(await forge.opened(await forge.made({ inner: { typ } }))).not.toBe('accepted');
  });
});

describe('claims that are not ours to accept', () => {
  const without = (claim: string) => ({ ...VALID, [claim]: undefined });
  test.each<[string, JWTPayload]>([
    ['another issuer', { ...VALID, iss: 'https://elsewhere' }],
    ['a list of issuers', { ...VALID, iss: [TOKEN_ISSUER] as never }],
    ['another audience', { ...VALID, aud: 'other' }],
    ['no issuer', without('iss')],
    ['no audience', without('aud')],
    ['no subject', without('sub')],
    ['no id', without('jti')],
    ['no issue time', without('iat')],
    ['no expiry', without('exp')],
    ['no grants', without('grants')],
    ['an expiry as text', { ...VALID, exp: '9999999999' as never }],
    ['an issue time as text', { ...VALID, iat: '1' as never }],
    ['an empty subject', { ...VALID, sub: '' }],
    ['a subject that is a path', { ...VALID, sub: '../bob' }],
    ['a subject with a line break', { ...VALID, sub: 'alice\nbob' }],
    ['a subject that is a list', { ...VALID, sub: ['alice'] as never }],
    ['grants as a list', { ...VALID, grants: ['ocr-*'] }],
    ['a grant of everything', { ...VALID, grants: { '*': {} } }],
    ['a grant named as the prototype', { ...VALID, grants: JSON.parse('{"__proto__": {}}') }],
    ['a configuration that is none', { ...VALID, grants: { 'ocr-1': 'all' } }],
    ['a configuration that is nothing', { ...VALID, grants: { 'ocr-1': null } }],
  ])('%s', async (_name, payload) => {
    expect(await forge.opened(await forge.made({ payload }))).toBe('bad-claims');
  });
});
