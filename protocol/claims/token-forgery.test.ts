/** Every way to make a token that is not ours: with other keys, with other algorithms. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { base64url, exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, TokenForge, VALID, withHeader } from '../testing/token-forge.ts';
import { openTokenKeys } from './keys.ts';
import { openToken } from './token.ts';

let forge: TokenForge;
beforeAll(async () => {
  forge = await TokenForge.open();
});
afterAll(() => forge.close());

describe('keys that are not ours', () => {
  test('all of them foreign: the kid is unknown', async () => {
    const other = await openTokenKeys(join(forge.folder, 'other'));
    const token = await forge.mint('alice', other);
    expect(await forge.opened(token)).toBe('unknown-key');
  });

  test('foreign signing key under our kid', async () => {
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    const signed = await forge.signed(VALID, {}, privateKey);
    expect(await forge.opened(await forge.sealed(signed))).toBe('forged');
  });

  test('foreign encryption key under our kid', async () => {
    const { publicKey } = await generateKeyPair('ECDH-ES+A256KW', { crv: 'X25519' });
    const signed = await forge.signed(VALID);
    const token = await forge.sealed(signed, {}, publicKey);
    expect(await forge.opened(token)).toBe('forged');
  });

  test('a key that the token brings along: jwk, jku, x5u, x5c', async () => {
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    const jwk = await exportJWK(publicKey);
    for (const brought of [
      { jwk },
      { jku: 'http://127.0.0.1:9/keys' },
      { x5u: 'http://127.0.0.1:9/' },
      { x5c: ['MA=='] },
    ])
      for (const kid of [forge.signing.kid, 'mine', undefined]) {
        const header = { alg: 'EdDSA', typ: 'sluice-grants+jwt', ...(kid && { kid }), ...brought };
        const signed = await new SignJWT(VALID).setProtectedHeader(header as never).sign(privateKey);
        expect(await forge.opened(await forge.sealed(signed))).not.toBe('accepted');
      }
  });

  test.each([
    '../../../../dev/null',
    '/dev/null',
    "' OR 1=1 --",
    '__proto__',
    'constructor',
    '0',
    '',
    'a'.repeat(2000),
    null,
    ['x'],
    { kid: 'x' },
    0,
    true,
  ])('kid injection: %j', async (kid) => {
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    const signed = await forge.signed(VALID, { kid }, privateKey);
    expect(await forge.opened(await forge.sealed(signed))).toBe('unknown-key');
    expect(await forge.opened(await forge.made({ outer: { kid } }))).toBe('unknown-key');
  });

  test('a retired key is no longer known, one still listed is', async () => {
    const token = await forge.mint();
    const next = await openTokenKeys(join(forge.folder, 'next'));
    const overlap = {
      ...next,
      signing: [...next.signing, ...forge.keys.signing],
      encryption: [...next.encryption, ...forge.keys.encryption],
    };
    expect((await openToken(overlap, token)).client).toBe('alice');
    expect(await codeOf(openToken(next, token))).toBe('unknown-key');
  });
});

describe('algorithms that are not ours', () => {
  test('alg none inside', async () => {
    const unsecured = new UnsecuredJWT(VALID).encode();
    for (const content of [unsecured, `${unsecured}AAAA`])
      expect(await forge.opened(await forge.sealed(content))).not.toBe('accepted');
    for (const alg of ['none', 'None', 'nOnE', 'NONE']) {
      const header = base64url.encode(JSON.stringify({ alg, kid: forge.signing.kid, typ: 'sluice-grants+jwt' }));
      expect(await forge.opened(await forge.sealed(`${header}.${unsecured.split('.')[1]}.`)), alg).not.toBe('accepted');
    }
  });

  test('alg none or dir outside', async () => {
    const token = await forge.mint();
    for (const alg of ['none', 'dir', 'RSA-OAEP', 'RSA1_5', 'A256KW', 'ECDH-ES', 'ECDH-ES+A128KW'])
      expect(await forge.opened(withHeader(token, { alg })), alg).toBe('malformed');
    for (const enc of ['A128GCM', 'A128CBC-HS256', 'none'])
      expect(await forge.opened(withHeader(token, { enc })), enc).toBe('malformed');
  });

  test('key confusion: our public key as the secret of an HMAC', async () => {
    const jwk = await exportJWK(forge.signing.publicKey);
    const secrets = [
      Buffer.from(jwk.x!, 'base64url'),
      Buffer.from(jwk.x!),
      Buffer.from(JSON.stringify(jwk)),
      Buffer.from(await exportSPKI(forge.signing.publicKey)),
    ];
    for (const secret of secrets) {
      const signed = await forge.signed(VALID, { alg: 'HS256' }, secret);
      expect(await forge.opened(await forge.sealed(signed))).not.toBe('accepted');
    }
  });

  test('PBES2 with a huge iteration count is refused before any iteration', async () => {
    const body = [randomBytes(40), randomBytes(12), randomBytes(16), randomBytes(16)].map((part) =>
      base64url.encode(part),
    );
    for (const kid of [forge.encryption.kid, undefined]) {
      const header = {
        alg: 'PBES2-HS512+A256KW',
        enc: 'A256GCM',
        p2s: base64url.encode(randomBytes(16)),
        p2c: 2_147_483_647,
        cty: 'JWT',
        kid,
      };
      const token = [base64url.encode(JSON.stringify(header)), ...body].join('.');
      const began = performance.now();
      expect(await forge.opened(token)).toBe('malformed');
      // Two billion iterations take many minutes.
      expect(performance.now() - began).toBeLessThan(5_000);
    }
  });

  test('a compressed token is refused before it is inflated', async () => {
    const bomb = deflateRawSync(Buffer.alloc(5 << 20));
    expect(bomb.byteLength).toBeLessThan(6000);
    const token = await forge.sealed(bomb);
    expect(await forge.opened(withHeader(token, { zip: 'DEF' }))).toBe('malformed');
    for (const zip of ['GZ', '', null, 1])
      expect(await forge.opened(withHeader(token, { zip })), String(zip)).toBe('malformed');
  });

  test('extensions that a reader must understand (crit) are refused', async () => {
    const token = await forge.mint();
    expect(await forge.opened(withHeader(token, { crit: ['x'], x: 1 }))).toBe('malformed');
    expect(await forge.opened(withHeader(token, { crit: [] }))).toBe('malformed');
  });
});
