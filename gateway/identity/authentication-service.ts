/** The authentication service: who is this client? (client credentials grant, RFC 6749 4.4) */
import type { TokenKeys } from '../../protocol/claims/keys.ts';
import { mintAuthenticationToken } from './authentication-token.ts';
import type { ClientAuthentication } from './client-authentication.ts';
import type { Form } from './form.ts';
import { tokenLifetime } from './token-lifetime.ts';

export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: 'Bearer' | 'N_A';
  /** Seconds. */
  readonly expires_in: number;
  readonly scope?: string;
  readonly issued_token_type?: string;
}

export interface AuthenticationServiceOptions {
  readonly keys: () => TokenKeys;
  readonly authentication: ClientAuthentication;
  readonly longestMs: number;
  /** From 0 up to 1. */
  readonly random: () => number;
}

export class AuthenticationService {
  readonly #options: AuthenticationServiceOptions;

  constructor(options: AuthenticationServiceOptions) {
    this.#options = options;
  }

  /** @param now ms since the epoch @throws {OAuthError} */
  async issue(
    form: Form,
    authorization: string | undefined,
    audiences: readonly string[],
    now: number,
  ): Promise<TokenAnswer> {
    const { keys, authentication, longestMs, random } = this.#options;
    const { client } = await authentication.authenticate(form, authorization, audiences, now);
    const lifetime = tokenLifetime(longestMs, random());
    const token = await mintAuthenticationToken(keys().authentication, client.clientId, {
      issuedAt: now,
      expiresAt: now + lifetime,
    });
    return { access_token: token, token_type: 'Bearer', expires_in: Math.floor(lifetime / 1000) };
  }
}
