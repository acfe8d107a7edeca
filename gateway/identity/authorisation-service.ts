/**
 * The authorisation service: what may this client do? (token exchange, RFC 8693)
 *
 * While the identity store is away it still issues tokens, to clients that it has seen lately and as it saw them last: short
 * ones, good only for work that can be repeated without harm. How long that can go on is bounded by the life of
 * authentication tokens, which are not issued in the meantime.
 */
import type { Grants } from '../../protocol/claims/grant.ts';
import { isGrantPattern } from '../../protocol/claims/grant.ts';
import { narrowGrants } from '../../protocol/claims/grant-coverage.ts';
import type { TokenKeys } from '../../protocol/claims/keys.ts';
import type { Revocations } from '../../protocol/claims/revocations.ts';
import { MAX_TOKEN_LENGTH, mintToken } from '../../protocol/claims/token.ts';
import { type ClientDirectory, IdentityStoreError } from '../clients/client-directory.ts';
import { effectiveGrants, type RegisteredClient } from '../clients/registered-client.ts';
import type { TokenAnswer } from './authentication-service.ts';
import { openAuthenticationToken, type Subject } from './authentication-token.ts';
import type { ExternalIssuers } from './external-issuers.ts';
import { type Form, field } from './form.ts';
import type { IdentityMetrics } from './metrics.ts';
import { OAuthError } from './oauth-error.ts';
import { tokenLifetime } from './token-lifetime.ts';

export const EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';
const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';

export interface AuthorisationServiceOptions {
  readonly keys: () => TokenKeys;
  readonly directory: Pick<ClientDirectory, 'get' | 'lastSeen'>;
  readonly externalIssuers: ExternalIssuers;
  readonly revocations: Revocations;
  readonly metrics: IdentityMetrics;
  readonly longestMs: number;
  readonly degradedLongestMs: number;
  /** From 0 up to 1. */
  readonly random: () => number;
}

export class AuthorisationService {
  readonly #options: AuthorisationServiceOptions;

  constructor(options: AuthorisationServiceOptions) {
    this.#options = options;
  }

  /** @param now ms since the epoch @throws {OAuthError} */
  async exchange(form: Form, now: number): Promise<TokenAnswer> {
    checkTypes(form);
    const subject = await this.#subject(field(form, 'subject_token'), now);
    const { registered, degraded } = this.#lookUp(subject.client);
    if (registered.client.disabled !== undefined) throw notAcceptable();
    const grants = asked(form.get('scope'), effectiveGrants(registered, now));
    const { keys, longestMs, degradedLongestMs, random, metrics } = this.#options;
    const lifetime = tokenLifetime(degraded ? degradedLongestMs : longestMs, random());
    const token = await mintToken(keys(), {
      client: subject.client,
      grants,
      issuedAt: now,
      expiresAt: now + lifetime,
      idempotentOnly: degraded,
    });
    if (token.length > MAX_TOKEN_LENGTH)
      throw new OAuthError('invalid_scope', 'the grants are too large for a token: ask for fewer with scope');
    metrics.authorised(degraded);
    return {
      access_token: token,
      issued_token_type: JWT_TYPE,
      token_type: 'Bearer',
      expires_in: Math.floor(lifetime / 1000),
      scope: Object.keys(grants).join(' '),
    };
  }

  async #subject(token: string, now: number): Promise<Subject> {
    const { externalIssuers, keys, revocations } = this.#options;
    let subject: Subject;
    try {
      subject = externalIssuers.knowsIssuerOf(token)
        ? await externalIssuers.open(token, now)
        : await openAuthenticationToken(keys().authentication, token, now);
    } catch (cause) {
      throw notAcceptable(cause);
    }
    if (revocations.isRevoked(subject, now)) throw notAcceptable();
    return subject;
  }

  #lookUp(clientId: string): { registered: RegisteredClient; degraded: boolean } {
    const { directory } = this.#options;
    try {
      const registered = directory.get(clientId);
      if (registered === undefined) throw notAcceptable();
      return { registered, degraded: false };
    } catch (cause) {
      if (!(cause instanceof IdentityStoreError)) throw cause;
      const registered = directory.lastSeen(clientId);
      if (registered === undefined)
        throw new OAuthError('temporarily_unavailable', 'the client cannot be looked up now', {
          retryAfterSeconds: 5,
          cause,
        });
      return { registered, degraded: true };
    }
  }
}

function checkTypes(form: Form): void {
  const given = field(form, 'subject_token_type');
  if (given !== ACCESS_TOKEN_TYPE && given !== JWT_TYPE)
    throw new OAuthError('invalid_request', `subject_token_type is ${ACCESS_TOKEN_TYPE} or ${JWT_TYPE}`);
  const wanted = form.get('requested_token_type') ?? JWT_TYPE;
  if (wanted !== ACCESS_TOKEN_TYPE && wanted !== JWT_TYPE)
    throw new OAuthError('invalid_request', `requested_token_type is ${ACCESS_TOKEN_TYPE} or ${JWT_TYPE}`);
  if (form.has('actor_token')) throw new OAuthError('invalid_request', 'delegation (actor_token) is not supported');
}

function asked(scope: string | undefined, allowed: Grants): Grants {
  if (scope === undefined) return allowed;
  const patterns = scope.split(' ').filter((pattern) => pattern !== '');
  const unknown = patterns.find((pattern) => !isGrantPattern(pattern));
  if (unknown !== undefined)
    throw new OAuthError('invalid_scope', 'scope lists grants such as ocr-1.* with spaces between them');
  const narrowed = narrowGrants(allowed, patterns);
  if ('refused' in narrowed)
    throw new OAuthError('invalid_scope', `the client may not have ${narrowed.refused.join(', ')}`);
  return narrowed.grants;
}

function notAcceptable(cause?: unknown): OAuthError {
  return new OAuthError('invalid_grant', 'the subject token is not acceptable', { cause });
}
