/**
 * Authentication tokens: signed statements of who a client is (RFC 9068, `at+jwt`), good for nothing but to be exchanged
 * for an authorisation token.
 */
import { randomUUID } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import type { TokenKey } from '../../protocol/claims/keys.ts';

export const AUTHENTICATION_ISSUER = 'sluice-authentication';
export const AUTHORISATION_AUDIENCE = 'sluice-authorisation';
const TYPE = 'at+jwt';
const ALGORITHM = 'EdDSA';
const CLOCK_TOLERANCE_SECONDS = 5;

/** Whom a token to be exchanged is of. */
export interface Subject {
  readonly client: string;
  readonly tokenId: string;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** @param times ms since the epoch */
export function mintAuthenticationToken(
  keys: readonly TokenKey[],
  client: string,
  times: { readonly issuedAt: number; readonly expiresAt: number },
): Promise<string> {
  const key = keys[0]!;
  return new SignJWT({ client_id: client })
    .setProtectedHeader({ alg: ALGORITHM, kid: key.kid, typ: TYPE })
    .setIssuer(AUTHENTICATION_ISSUER)
    .setAudience(AUTHORISATION_AUDIENCE)
    .setSubject(client)
    .setJti(randomUUID())
    .setIssuedAt(Math.floor(times.issuedAt / 1000))
    .setExpirationTime(Math.ceil(times.expiresAt / 1000))
    .sign(key.privateKey!);
}

/** @param now ms since the epoch @throws what jose throws where the token is not one of ours, or is none any more */
export async function openAuthenticationToken(keys: readonly TokenKey[], token: string, now: number): Promise<Subject> {
  const { payload } = await jwtVerify(
    token,
    (header) => {
      const key = keys.find(({ kid }) => kid === header.kid);
      if (key === undefined) throw new TypeError('the token was made with a key that is not known here');
      return key.publicKey;
    },
    {
      algorithms: [ALGORITHM],
      typ: TYPE,
      issuer: AUTHENTICATION_ISSUER,
      audience: AUTHORISATION_AUDIENCE,
      requiredClaims: ['sub', 'jti', 'iat', 'exp'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(now),
    },
  );
  const { sub, jti, iat, exp } = payload as { sub: string; jti: string; iat: number; exp: number };
  return { client: sub, tokenId: jti, issuedAt: iat * 1000, expiresAt: exp * 1000 };
}
