/** What a token is good for, and every way to make one that is not ours. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import {
  base64url,
  CompactEncrypt,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTokenKeys, type TokenKey, type TokenKeys } from './keys.ts';
import { MAX_TOKEN_LENGTH, mintToken, openToken, TOKEN_AUDIENCE, TOKEN_ISSUER, type TokenError } from './token.ts';
import { TokenVerifier } from './verifier.ts';

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;
const GRANTS = { 'ocr-*': { language: 'en' }, 'ingest-1': {} };

let folder: string;
let keys: TokenKeys;
let signing: TokenKey;
let encryption: TokenKey;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-token-'));
  keys = await openTokenKeys(folder);
  signing = keys.signing[0]!;
  encryption = keys.encryption[0]!;
});
afterAll(() => rm(folder, { recursive: true }));

const mint = (client = 'alice') => mintToken(keys, { client, grants: GRANTS, issuedAt: NOW, expiresAt: NOW + HOUR });
const codeOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'accepted',
    (error: TokenError) => error.code ?? `unexpected ${error}`,
  );
const opened = (token: string) => codeOf(openToken(keys, token));

interface Forgery {
  readonly payload?: JWTPayload;
  readonly inner?: Record<string, unknown>;
  readonly outer?: Record<string, unknown>;
}

const VALID: JWTPayload = {
  iss: TOKEN_ISSUER,
  aud: TOKEN_AUDIENCE,
  sub: 'alice',
  jti: 'j',
  iat: NOW / 1000,
  exp: (NOW + HOUR) / 1000,
  grants: GRANTS,
};

/** A token as ours in all but what is said: made with our own keys, as an insider of another component could. */
async function made({ payload = VALID, inner = {}, outer = {} }: Forgery): Promise<string> {
  const header = { alg: 'EdDSA', kid: signing.kid, typ: 'sluice-grants+jwt', ...inner };
  return sealed(await new SignJWT(payload).setProtectedHeader(header as never).sign(signing.privateKey), outer);
}

function sealed(content: string, outer: Record<string, unknown> = {}): Promise<string> {
  const header = { alg: 'ECDH-ES+A256KW', enc: 'A256GCM', kid: encryption.kid, cty: 'JWT', ...outer };
  return new CompactEncrypt(Buffer.from(content)).setProtectedHeader(header as never).encrypt(encryption.publicKey);
}

/** The parts of a compact token with one of them changed. */
function withPart(token: string, index: number, change: (part: string) => string): string {
  return token
    .split('.')
    .map((part, at) => (at === index ? change(part) : part))
    .join('.');
}

function withHeader(token: string, change: Record<string, unknown>): string {
  return withPart(token, 0, (part) => {
    const header = JSON.parse(Buffer.from(base64url.decode(part)).toString());
    return base64url.encode(JSON.stringify({ ...header, ...change }));
  });
}

test('a minted token opens to what it was minted for', async () => {
  const claims = await openToken(keys, await mint());
  expect(claims).toMatchObject({ client: 'alice', grants: GRANTS, issuedAt: NOW, expiresAt: NOW + HOUR });
  expect(await opened(await made({}))).toBe('accepted');
});

test('nobody can read it', async () => {
  const token = await mint('alice-of-the-long-name');
  const plain = token.split('.').map((part) => Buffer.from(base64url.decode(part)).toString('latin1'));
  expect(plain.join()).not.toMatch(/alice|ocr/);
});

test('two tokens of one client have different ids', async () => {
  const [a, b] = await Promise.all([mint(), mint()].map(async (token) => openToken(keys, await token)));
  expect(a!.tokenId).not.toBe(b!.tokenId);
});

test('the files of the keys are for their owner alone', async () => {
  for (const file of ['signing.jwks.json', 'encryption.jwks.json'])
    expect((await stat(join(folder, file))).mode & 0o077).toBe(0);
});

test('opening the folder again gives the same keys; two at once agree', async () => {
  const kids = (set: TokenKeys) => [...set.signing, ...set.encryption].map(({ kid }) => kid);
  expect(kids(await openTokenKeys(folder))).toEqual(kids(keys));
  const fresh = join(folder, 'fresh');
  const [a, b] = await Promise.all([openTokenKeys(fresh), openTokenKeys(fresh)]);
  expect(kids(a!)).toEqual(kids(b!));
});

describe('time', () => {
  const verifier = new TokenVerifier(() => keys);
  test.each([
    [0, 'accepted'],
    [HOUR - 1, 'accepted'],
    [HOUR + 4_999, 'accepted'],
    [HOUR + 5_000, 'expired'],
    [-5_000, 'accepted'],
    [-5_001, 'not-yet-valid'],
  ])('%i ms after it was issued it is %s', async (after, verdict) => {
    expect(await codeOf(verifier.verify(await mint(), NOW + after))).toBe(verdict);
  });

  test('the same token is judged anew at each moment that is asked about', async () => {
    const token = await mint();
    expect(await codeOf(verifier.verify(token, NOW))).toBe('accepted');
    expect(await codeOf(verifier.verify(token, NOW + 2 * HOUR))).toBe('expired');
    expect(await codeOf(verifier.verify(token, NOW + 1))).toBe('accepted');
  });
});

describe('tampering', () => {
  test('any character of the token changed', async () => {
    const token = await mint();
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.nat(63), async (at, index) => {
        const changed = token.slice(0, at) + alphabet[index] + token.slice(at + 1);
        fc.pre(changed !== token && token[at] !== '.');
        // The last character of a part may hold bits that mean nothing: then it is the same token.
        const same = token.split('.').every((part, n) => equalBytes(part, changed.split('.')[n]!));
        fc.pre(!same);
        expect(await opened(changed)).not.toBe('accepted');
      }),
      { numRuns: 200 },
    );
  });

  test('cut, extended, empty, five empty parts, too long', async () => {
    const token = await mint();
    for (const bad of [token.slice(0, -1), `${token}.`, `${token}A.A`, '', '....', 'a.b.c', 'null', '{}'])
      expect(await opened(bad), bad).not.toBe('accepted');
    expect(await opened(`${token}${'A'.repeat(MAX_TOKEN_LENGTH)}`)).toBe('malformed');
  });

  function equalBytes(a: string, b: string): boolean {
    return Buffer.from(a, 'base64url').equals(Buffer.from(b, 'base64url'));
  }
});

describe('keys that are not ours', () => {
  test('all of them foreign: the kid is unknown', async () => {
    const other = await openTokenKeys(join(folder, 'other'));
    const token = await mintToken(other, { client: 'alice', grants: GRANTS, issuedAt: NOW, expiresAt: NOW + HOUR });
    expect(await opened(token)).toBe('unknown-key');
  });

  test('foreign signing key under our kid', async () => {
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    const signed = await new SignJWT(VALID)
      .setProtectedHeader({ alg: 'EdDSA', kid: signing.kid, typ: 'sluice-grants+jwt' })
      .sign(privateKey);
    expect(await opened(await sealed(signed))).toBe('forged');
  });

  test('foreign encryption key under our kid', async () => {
    const { publicKey } = await generateKeyPair('ECDH-ES+A256KW', { crv: 'X25519' });
    const signed = await new SignJWT(VALID)
      .setProtectedHeader({ alg: 'EdDSA', kid: signing.kid, typ: 'sluice-grants+jwt' })
      .sign(signing.privateKey);
    const token = await new CompactEncrypt(Buffer.from(signed))
      .setProtectedHeader({ alg: 'ECDH-ES+A256KW', enc: 'A256GCM', kid: encryption.kid, cty: 'JWT' })
      .encrypt(publicKey);
    expect(await opened(token)).toBe('forged');
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
      for (const kid of [signing.kid, 'mine', undefined]) {
        const header = { alg: 'EdDSA', typ: 'sluice-grants+jwt', ...(kid && { kid }), ...brought };
        const signed = await new SignJWT(VALID).setProtectedHeader(header as never).sign(privateKey);
        expect(await opened(await sealed(signed))).not.toBe('accepted');
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
    const signed = await new SignJWT(VALID)
      .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'sluice-grants+jwt' } as never)
      .sign(privateKey);
    expect(await opened(await sealed(signed))).toBe('unknown-key');
    expect(await opened(await made({ outer: { kid } }))).toBe('unknown-key');
  });

  test('a retired key is no longer known, one still listed is', async () => {
    const token = await mint();
    const next = await openTokenKeys(join(folder, 'next'));
    const overlap = {
      ...next,
      signing: [...next.signing, ...keys.signing],
      encryption: [...next.encryption, ...keys.encryption],
    };
    expect((await openToken(overlap, token)).client).toBe('alice');
    expect(await codeOf(openToken(next, token))).toBe('unknown-key');
  });
});

describe('algorithms that are not ours', () => {
  test('alg none inside', async () => {
    const unsecured = new UnsecuredJWT(VALID).encode();
    for (const content of [unsecured, `${unsecured}AAAA`])
      expect(await opened(await sealed(content))).not.toBe('accepted');
    for (const alg of ['none', 'None', 'nOnE', 'NONE']) {
      const header = base64url.encode(JSON.stringify({ alg, kid: signing.kid, typ: 'sluice-grants+jwt' }));
      expect(await opened(await sealed(`${header}.${unsecured.split('.')[1]}.`)), alg).not.toBe('accepted');
    }
  });

  test('alg none or dir outside', async () => {
    const token = await mint();
    for (const alg of ['none', 'dir', 'RSA-OAEP', 'RSA1_5', 'A256KW', 'ECDH-ES', 'ECDH-ES+A128KW'])
      expect(await opened(withHeader(token, { alg })), alg).toBe('malformed');
    for (const enc of ['A128GCM', 'A128CBC-HS256', 'none'])
      expect(await opened(withHeader(token, { enc })), enc).toBe('malformed');
  });

  test('key confusion: our public key as the secret of an HMAC', async () => {
    const jwk = await exportJWK(signing.publicKey);
    const secrets = [
      Buffer.from(jwk.x!, 'base64url'),
      Buffer.from(jwk.x!),
      Buffer.from(JSON.stringify(jwk)),
      Buffer.from(await exportSPKI(signing.publicKey)),
    ];
    for (const secret of secrets) {
      const signed = await new SignJWT(VALID)
        .setProtectedHeader({ alg: 'HS256', kid: signing.kid, typ: 'sluice-grants+jwt' })
        .sign(secret);
      expect(await opened(await sealed(signed))).not.toBe('accepted');
    }
  });

  test('PBES2 with a huge iteration count is refused before any iteration', async () => {
    const body = [randomBytes(40), randomBytes(12), randomBytes(16), randomBytes(16)].map((part) =>
      base64url.encode(part),
    );
    for (const kid of [encryption.kid, undefined]) {
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
      expect(await opened(token)).toBe('malformed');
      // Two billion iterations take many minutes.
      expect(performance.now() - began).toBeLessThan(5_000);
    }
  });

  test('a compressed token is refused before it is inflated', async () => {
    const bomb = deflateRawSync(Buffer.alloc(5 << 20));
    expect(bomb.byteLength).toBeLessThan(6000);
    const token = await new CompactEncrypt(bomb)
      .setProtectedHeader({ alg: 'ECDH-ES+A256KW', enc: 'A256GCM', kid: encryption.kid, cty: 'JWT' })
      .encrypt(encryption.publicKey);
    expect(await opened(withHeader(token, { zip: 'DEF' }))).toBe('malformed');
    for (const zip of ['GZ', '', null, 1])
      expect(await opened(withHeader(token, { zip })), String(zip)).toBe('malformed');
  });

  test('extensions that a reader must understand (crit) are refused', async () => {
    const token = await mint();
    expect(await opened(withHeader(token, { crit: ['x'], x: 1 }))).toBe('malformed');
    expect(await opened(withHeader(token, { crit: [] }))).toBe('malformed');
  });
});

describe('nesting', () => {
  test('only signed, only encrypted, encrypted twice', async () => {
    const signed = await new SignJWT(VALID)
      .setProtectedHeader({ alg: 'EdDSA', kid: signing.kid, typ: 'sluice-grants+jwt' })
      .sign(signing.privateKey);
    expect(await opened(signed)).toBe('malformed');
    expect(await opened(await sealed(JSON.stringify(VALID)))).not.toBe('accepted');
    expect(await opened(await sealed(await mint()))).not.toBe('accepted');
  });

  test.each([undefined, 'json', 'jwt ', 'JWE', ['JWT']])('content type %j outside', async (cty) => {
    expect(await opened(await made({ outer: { cty } }))).toBe('malformed');
  });

  test.each([undefined, 'JWT', 'at+jwt', 'logout+jwt', ['sluice-grants+jwt']])('type %j inside', async (typ) => {
    expect(await opened(await made({ inner: { typ } }))).not.toBe('accepted');
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
    expect(await opened(await made({ payload }))).toBe('bad-claims');
  });
});

describe('the verifier', () => {
  test('forgets what retired keys had opened', async () => {
    let current = keys;
    const verifier = new TokenVerifier(() => current);
    const token = await mint();
    await verifier.verify(token, NOW);
    current = await openTokenKeys(join(folder, 'retired'));
    expect(await codeOf(verifier.verify(token, NOW))).toBe('unknown-key');
  });

  test('does not remember what it refused as accepted, nor one token as another', async () => {
    const verifier = new TokenVerifier(() => keys);
    const token = await mint();
    await verifier.verify(token, NOW);
    const forged = withPart(token, 4, () => base64url.encode(randomBytes(16)));
    expect(await codeOf(verifier.verify(forged, NOW))).toBe('forged');
    expect(await codeOf(verifier.verify(forged, NOW))).toBe('forged');
  });

  test('errors never quote the token', async () => {
    const token = await mint();
    const error = await openToken(
      keys,
      withPart(token, 3, () => randomUUID()),
    ).catch((thrown: Error) => thrown);
    expect(String(error)).not.toContain(token.slice(0, 20));
  });
});

test('a damaged key file is refused, not replaced', async () => {
  const broken = join(folder, 'broken');
  await openTokenKeys(broken);
  const file = join(broken, 'signing.jwks.json');
  for (const content of ['', '{', '{"keys": []}', '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA"}]}']) {
    await writeFile(file, content);
    await expect(openTokenKeys(broken), content).rejects.toThrow(/signing\.jwks\.json/);
    expect(await readFile(file, 'utf8')).toBe(content);
  }
});
