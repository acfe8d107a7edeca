/** For tests of identity: the role with two clients that it knows, `alice` with a secret and `keyed` with a key, and their requests. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { addClient } from '../clients/registry.ts';
import { ASSERTION_TYPE } from '../identity/client-assertion.ts';
import { type IdentityFixture, type OAuthResponse, openIdentity } from './identity-fixture.ts';

export const ISSUER = 'https://sluice.example';
export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
export const GRANTS = { 'ingest-1': {}, 'ocr-*': { language: 'en' }, 'firehose-1': {}, 'push-1': {} };

type Form = Record<string, string>;

export class KnownClients {
  readonly identity: IdentityFixture;
  readonly secret: string;
  readonly key: CryptoKey;
  #assertions = 0;

  private constructor(identity: IdentityFixture, secret: string, key: CryptoKey) {
    this.identity = identity;
    this.secret = secret;
    this.key = key;
  }

  static async open(): Promise<KnownClients> {
    const identity = await openIdentity({ issuer: ISSUER });
    const secret = (await addClient(identity.log.log, { clientId: 'alice', grants: GRANTS }, Date.now()))!;
    const pair = await generateKeyPair('ES256');
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1' }] });
    await addClient(identity.log.log, { clientId: 'keyed', grants: GRANTS, jwks }, Date.now());
    const clients = new KnownClients(identity, secret, pair.privateKey);
    // The store hears of them by way of the log.
    while ((await clients.withSecret()).status !== 200) await sleep(20);
    while ((await clients.withAssertion({})).status !== 200) await sleep(20);
    return clients;
  }

  token(form: Form, headers: Form = {}): Promise<OAuthResponse> {
    return this.identity.post('/oauth/token', form, headers);
  }

  withSecret(client = 'alice', secret = this.secret): Promise<OAuthResponse> {
    return this.token({ grant_type: 'client_credentials', client_id: client, client_secret: secret });
  }

  /** @param change claims other than those that are accepted */
  async withAssertion(
    change: JWTPayload,
    header: Record<string, unknown> = {},
    key: CryptoKey | Uint8Array = this.key,
  ): Promise<OAuthResponse> {
    return this.present(await this.assertion(change, header, key));
  }

  assertion(
    change: JWTPayload,
    header: Record<string, unknown> = {},
    key: CryptoKey | Uint8Array = this.key,
  ): Promise<string> {
    const iat = Math.floor(Date.now() / 1000) + 1;
    const claims = {
      iss: 'keyed',
      sub: 'keyed',
      aud: ISSUER,
      iat,
      exp: iat + 60,
      jti: `a${this.#assertions++}`,
      ...change,
    };
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k1', ...header } as never).sign(key);
  }

  present(assertion: string): Promise<OAuthResponse> {
    return this.token({
      grant_type: 'client_credentials',
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: assertion,
    });
  }

  exchange(subject: string, extra: Form = {}): Promise<OAuthResponse> {
    return this.token({ grant_type: EXCHANGE, subject_token: subject, subject_token_type: ACCESS_TOKEN, ...extra });
  }

  /** An authentication token of alice. */
  async authenticated(): Promise<string> {
    return (await this.withSecret()).body.access_token;
  }

  close(): Promise<void> {
    return this.identity.close();
  }
}
