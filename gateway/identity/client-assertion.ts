/**
 * Authentication with a key (`private_key_jwt`, RFC 7523): the client signs a short-lived statement that it is itself.
 *
 * Each statement is accepted once. Which ones were is remembered in memory for as long as they would be valid; after a start
 * those that were made before it are refused, since nobody knows whether they were used.
 */
import { createLocalJWKSet, decodeJwt, type JWTPayload, jwtVerify } from 'jose';
import type { Client } from '../../protocol/generated/client/v1m0/client_pb.js';
import { OAuthError } from './oauth-error.ts';

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** Only signatures with a private key: a symmetric one would make our copy of the key a secret. */
export const ASSERTION_ALGORITHMS = ['EdDSA', 'ES256', 'ES384', 'PS256', 'PS384', 'RS256'];

const MAX_LIFETIME_SECONDS = 300;
const CLOCK_TOLERANCE_SECONDS = 5;
const MAX_REMEMBERED = 100_000;

export class ClientAssertions {
  readonly #startedAt: number;
  /** Used ones, by client and id, with when they expire (seconds). */
  readonly #used = new Map<string, number>();

  /** @param startedAt ms since the epoch */
  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  /** Whom an assertion is of, as it says: nothing of it is checked. @throws {OAuthError} */
  static claimedClient(assertion: string): string {
    try {
      const { sub } = decodeJwt(assertion);
      if (typeof sub === 'string') return sub;
    } catch (cause) {
      throw new OAuthError('invalid_client', 'the client assertion is not a JWT', { cause });
    }
    throw new OAuthError('invalid_client', 'the client assertion names no client');
  }

  /** @param audiences any of which the assertion must be for @param now ms since the epoch @throws {OAuthError} */
  async check(assertion: string, client: Client, audiences: readonly string[], now: number): Promise<void> {
    if (client.jwks === '') throw new OAuthError('invalid_client', 'the client has no keys registered');
    const payload = await verified(assertion, client, audiences, now);
    const { iat, exp, jti } = payload as { iat: number; exp: number; jti: string };
    if (exp - iat > MAX_LIFETIME_SECONDS || exp * 1000 - now > MAX_LIFETIME_SECONDS * 1000)
      throw new OAuthError('invalid_client', `a client assertion is valid for ${MAX_LIFETIME_SECONDS} s at most`);
    if ((iat + 1) * 1000 < this.#startedAt)
      throw new OAuthError('invalid_client', 'the client assertion is older than this service: make a new one');
    this.#useOnce(`${client.clientId}/${jti}`, exp, now / 1000);
  }

  #useOnce(name: string, expires: number, nowSeconds: number): void {
    for (const [used, until] of this.#used) {
      // In the order of use, which is nearly that of expiry.
      if (until + CLOCK_TOLERANCE_SECONDS >= nowSeconds) break;
      this.#used.delete(used);
    }
    if (this.#used.has(name)) throw new OAuthError('invalid_client', 'the client assertion has been used');
    if (this.#used.size >= MAX_REMEMBERED)
      throw new OAuthError('temporarily_unavailable', 'too many client assertions', { retryAfterSeconds: 10 });
    this.#used.set(name, expires);
  }
}

async function verified(
  assertion: string,
  client: Client,
  audiences: readonly string[],
  now: number,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(assertion, createLocalJWKSet(JSON.parse(client.jwks)), {
      algorithms: ASSERTION_ALGORITHMS,
      issuer: client.clientId,
      subject: client.clientId,
      audience: [...audiences],
      requiredClaims: ['iat', 'exp', 'jti'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(now),
    });
    if (typeof payload.jti !== 'string' || typeof payload.iat !== 'number') throw new TypeError('jti or iat');
    return payload;
  } catch (cause) {
    throw new OAuthError('invalid_client', 'the client assertion is not acceptable', { cause });
  }
}
