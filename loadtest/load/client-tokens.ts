/**
 * Tokens as a client gets them: authenticate with the secret, exchange what that gives for an authorisation token, and do it
 * again before that one expires. For load that outlives a token.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface ClientCredentials {
  /** Base URL of the identity service. */
  readonly url: string;
  readonly clientId: string;
  readonly secret: string;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Gives a token that is still good for a while. */
export type TokenSource = () => Promise<string>;

/** Share of a token's life after which it is renewed. */
const RENEW_AT = 0.7;
const TIMEOUT_MS = 10_000;
const TRIES = 3;
const RETRY_MS = 500;
const EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

/** A token that somebody else looks after. */
export function fixedToken(token: string): TokenSource {
  return async () => token;
}

/**
 * The source rejects with a TokenRefused where the identity service says no, after some tries where it says nothing; while a
 * token that was got before is still good, that one is given instead.
 */
export function clientTokens(credentials: ClientCredentials): TokenSource {
  let held: { readonly token: string; readonly renewAt: number; readonly endsAt: number } | undefined;
  let renewing: Promise<string> | undefined;
  const renew = async (): Promise<string> => {
    const { now } = credentials;
    try {
      const { token, lifeMs } = await newToken(credentials);
      held = { token, renewAt: now() + lifeMs * RENEW_AT, endsAt: now() + lifeMs };
      return token;
    } catch (error) {
      if (held !== undefined && now() < held.endsAt) return held.token;
      throw error;
    }
  };
  return () => {
    if (held !== undefined && credentials.now() < held.renewAt) return Promise.resolve(held.token);
    renewing ??= renew().finally(() => {
      renewing = undefined;
    });
    return renewing;
  };
}

/** The identity service gave no token; the message says what it said. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
}

async function newToken({ url, clientId, secret }: ClientCredentials): Promise<{ token: string; lifeMs: number }> {
  const basic = `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`).toString('base64')}`;
  const authenticated = await ask(url, { grant_type: 'client_credentials' }, { authorization: basic });
  const authorised = await ask(url, {
    grant_type: EXCHANGE_GRANT,
    subject_token: authenticated.access_token,
    subject_token_type: ACCESS_TOKEN_TYPE,
  });
  return { token: authorised.access_token, lifeMs: authorised.expires_in * 1000 };
}

interface TokenAnswer {
  readonly access_token: string;
  /** Seconds. */
  readonly expires_in: number;
}

async function ask(
  url: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<TokenAnswer> {
  for (let tries = 1; ; tries++) {
    try {
      const response = await fetch(`${url}/oauth/token`, {
        method: 'POST',
        headers,
        body: new URLSearchParams(form),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.ok) return (await response.json()) as TokenAnswer;
      throw new TokenRefused(`no token: ${response.status} ${await response.text()}`);
    } catch (error) {
      if (error instanceof TokenRefused || tries === TRIES) throw error;
      await sleep(RETRY_MS);
    }
  }
}
