/**
 * Authorisation tokens: a JWT signed (JWS, EdDSA), then encrypted (JWE, ECDH-ES+A256KW with A256GCM).
 *
 * Algorithms are fixed, not negotiated: a token that names any other, that is compressed, or that is only signed or only
 * encrypted, is refused before a key is touched.
 */
import { randomUUID } from 'node:crypto';
import { CompactEncrypt, compactDecrypt, errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { isClientId } from './client-id.ts';
import { type Grants, isGrantPattern } from './grant.ts';
import type { TokenKey, TokenKeys } from './keys.ts';

export const TOKEN_ISSUER = 'sluice';
export const TOKEN_AUDIENCE = 'sluice';

/** Tells these tokens from anything else that is signed with the same keys. */
const TOKEN_TYPE = 'sluice-grants+jwt';
const SIGNATURE = 'EdDSA';
const KEY_MANAGEMENT = 'ECDH-ES+A256KW';
const ENCRYPTION = 'A256GCM';
/** Tokens travel in every message: a larger one is refused when it is read. Characters. */
export const MAX_TOKEN_LENGTH = 8192;

/** No token is made that is good for longer: so long a revocation must be remembered. Milliseconds. */
export const MAX_TOKEN_LIFETIME_MS = 31 * 24 * 3_600_000;

export interface Claims {
  readonly client: string;
  readonly grants: Grants;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Names this token, for revocation. */
  readonly tokenId: string;
  /** Issued without a look at the client's record: good only for work that can be repeated without harm. */
  readonly idempotentOnly: boolean;
  /** Milliseconds since the epoch: from then on a key that it was made with is retired. Infinite: none is. */
  readonly keysRetireAt: number;
}

/** Why a token is not accepted. The reason is for logs and the caller; it never holds a part of the token. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly code:
    | 'malformed'
    | 'unknown-key'
    | 'retired-key'
    | 'forged'
    | 'expired'
    | 'not-yet-valid'
    | 'revoked'
    | 'bad-claims';
  constructor(code: TokenError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Mints tokens with the keys in use. @throws {RangeError} it would be good for longer than MAX_TOKEN_LIFETIME_MS */
export async function mintToken(
  keys: TokenKeys,
  claims: Pick<Claims, 'client' | 'grants' | 'issuedAt' | 'expiresAt'> & { readonly idempotentOnly?: boolean },
): Promise<string> {
  if (claims.expiresAt - claims.issuedAt > MAX_TOKEN_LIFETIME_MS)
    throw new RangeError(`a token may be valid for ${MAX_TOKEN_LIFETIME_MS / 86_400_000} days at most`);
  const [signing] = keys.signing as [TokenKey];
  const [encryption] = keys.encryption as [TokenKey];
  const signed = await new SignJWT({
    grants: claims.grants,
    ...(claims.idempotentOnly === true && { idempotent_only: true }),
  })
    .setProtectedHeader({ alg: SIGNATURE, kid: signing.kid, typ: TOKEN_TYPE })
    .setIssuer(TOKEN_ISSUER)
    .setAudience(TOKEN_AUDIENCE)
    .setSubject(claims.client)
    .setJti(randomUUID())
    .setIssuedAt(Math.floor(claims.issuedAt / 1000))
    .setExpirationTime(Math.ceil(claims.expiresAt / 1000))
    .sign(signing.privateKey!);
  return new CompactEncrypt(Buffer.from(signed))
    .setProtectedHeader({ alg: KEY_MANAGEMENT, enc: ENCRYPTION, kid: encryption.kid, cty: 'JWT' })
    .encrypt(encryption.publicKey);
}

/**
 * Opens a token and checks everything but its time.
 *
 * @throws {TokenError}
 */
export async function openToken(keys: TokenKeys, token: string): Promise<Claims> {
  if (token.length > MAX_TOKEN_LENGTH) throw new TokenError('malformed', 'the token is too long');
  const outer = await decrypt(keys.encryption, token);
  const inner = await verify(keys.signing, outer.signed);
  return claimsOf(inner.payload, Math.min(outer.key.retiredAt, inner.key.retiredAt));
}

async function decrypt(keys: readonly TokenKey[], token: string): Promise<{ signed: string; key: TokenKey }> {
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(
      token,
      (header) => {
        if (header.zip !== undefined) throw new TokenError('malformed', 'compressed tokens are not accepted');
        if (header.cty !== 'JWT') throw new TokenError('malformed', 'the token holds no signed token');
        return keyNamed(keys, header.kid).privateKey!;
      },
      { keyManagementAlgorithms: [KEY_MANAGEMENT], contentEncryptionAlgorithms: [ENCRYPTION] },
    );
    return { signed: Buffer.from(plaintext).toString('utf8'), key: keyNamed(keys, protectedHeader.kid) };
  } catch (error) {
    throw asTokenError(error);
  }
}

async function verify(keys: readonly TokenKey[], signed: string): Promise<{ payload: JWTPayload; key: TokenKey }> {
  try {
    const { payload, protectedHeader } = await jwtVerify(signed, (header) => keyNamed(keys, header.kid).publicKey, {
      algorithms: [SIGNATURE],
      typ: TOKEN_TYPE,
      issuer: TOKEN_ISSUER,
      audience: TOKEN_AUDIENCE,
      requiredClaims: ['sub', 'jti', 'iat', 'exp', 'grants'],
      // The time is judged by the caller, who may ask about a moment in the past (see TokenVerifier).
      currentDate: new Date(0),
    });
    return { payload, key: keyNamed(keys, protectedHeader.kid) };
  } catch (error) {
    throw asTokenError(error);
  }
}

function keyNamed(keys: readonly TokenKey[], kid: string | undefined): TokenKey {
  const key = keys.find((candidate) => candidate.kid === kid);
  if (key === undefined) throw new TokenError('unknown-key', 'the token was made with a key that is not known here');
  return key;
}

function asTokenError(error: unknown): TokenError {
  if (error instanceof TokenError) return error;
  if (error instanceof errors.JWTClaimValidationFailed)
    return new TokenError('bad-claims', `the token's claim '${error.claim}' is not acceptable`, { cause: error });
  if (error instanceof errors.JWEDecryptionFailed || error instanceof errors.JWSSignatureVerificationFailed)
    return new TokenError('forged', 'the token was not made here', { cause: error });
  return new TokenError('malformed', 'this is not an authorisation token', { cause: error });
}

function claimsOf(payload: JWTPayload, keysRetireAt: number): Claims {
  const { sub, jti, iat, exp } = payload;
  if (typeof sub !== 'string' || !isClientId(sub) || typeof jti !== 'string' || iat === undefined || exp === undefined)
    throw new TokenError('bad-claims', 'the token lacks a claim or says something impossible');
  return {
    client: sub,
    grants: grantsOf(payload.grants),
    issuedAt: iat * 1000,
    expiresAt: exp * 1000,
    tokenId: jti,
    // Anything but its absence binds: a reader that does not understand it must not be more generous.
    idempotentOnly: payload.idempotent_only !== undefined,
    keysRetireAt,
  };
}

function grantsOf(claim: unknown): Grants {
  const wellFormed =
    isPlainObject(claim) && Object.entries(claim).every(([key, value]) => isGrantPattern(key) && isPlainObject(value));
  if (!wellFormed) throw new TokenError('bad-claims', "the token's grants are not well-formed");
  return claim as Grants;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
