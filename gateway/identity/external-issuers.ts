/**
 * Other issuers whose tokens can be exchanged: an organisation's own identity provider. Their keys are fetched and cached
 * by jose; the addresses come from the operator's config, never from a token.
 */
import { createRemoteJWKSet, decodeJwt, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { isClientId } from '../../protocol/claims/client-id.ts';
import type { Subject } from './authentication-token.ts';
import type { ExternalIssuer } from './config.ts';

const ALGORITHMS = ['EdDSA', 'ES256', 'ES384', 'PS256', 'PS384', 'RS256'];
const FETCH_TIMEOUT_MS = 5_000;
const CLOCK_TOLERANCE_SECONDS = 5;

interface KnownIssuer {
  readonly config: ExternalIssuer;
  readonly keys: JWTVerifyGetKey;
}

export class ExternalIssuers {
  readonly #issuers: ReadonlyMap<string, KnownIssuer>;

  constructor(issuers: readonly ExternalIssuer[]) {
    this.#issuers = new Map(
      issuers.map((config) => [
        config.issuer,
        { config, keys: createRemoteJWKSet(new URL(config.jwksUri), { timeoutDuration: FETCH_TIMEOUT_MS }) },
      ]),
    );
  }

  /** Whether the token says that it is from one of them: nothing of it is checked. */
  knowsIssuerOf(token: string): boolean {
    try {
      return this.#issuers.has(decodeJwt(token).iss ?? '');
    } catch {
      return false;
    }
  }

  /** @param now ms since the epoch @throws what jose throws where the token is not acceptable */
  async open(token: string, now: number): Promise<Subject> {
    const { config, keys } = this.#issuers.get(decodeJwt(token).iss ?? '')!;
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer: config.issuer,
      audience: config.audience,
      requiredClaims: ['exp', 'iat'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(now),
    });
    const client = payload[config.clientClaim];
    if (typeof client !== 'string' || !isClientId(client))
      throw new TypeError(`the claim '${config.clientClaim}' names no client`);
    const { iat, exp, jti } = payload as { iat: number; exp: number; jti?: unknown };
    return {
      client,
      tokenId: typeof jti === 'string' ? jti : '',
      issuedAt: iat * 1000,
      expiresAt: exp * 1000,
    };
  }
}
