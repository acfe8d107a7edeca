/**
 * Finds out which client a request comes from: secret in the header or the form, or a signed assertion.
 *
 * A client that is not there, is locked out or has no secret costs as much time as a wrong secret does, so that answers
 * do not tell who is registered.
 */
import type { Client } from '../../protocol/generated/client/v1m0/client_pb.js';
import { type ClientDirectory, IdentityStoreError } from '../clients/client-directory.ts';
import type { RegisteredClient } from '../clients/registered-client.ts';
import { fitsHash, hashSecret, newSecret } from '../clients/secret-hash.ts';
import { ASSERTION_TYPE, ClientAssertions } from './client-assertion.ts';
import { type Form, field } from './form.ts';
import { OAuthError } from './oauth-error.ts';

/** Hashing takes memory and a thread each: no more than this at once, and no more than that waiting. */
const HASHES_AT_ONCE = 2;
const HASHES_WAITING = 32;

interface Credentials {
  readonly clientId: string;
  readonly secret: string;
}

export class ClientAuthentication {
  readonly #directory: Pick<ClientDirectory, 'get'>;
  readonly #assertions: ClientAssertions;
  readonly #fits: typeof fitsHash;
  /** What a secret is held against where there is nothing to hold it against. */
  readonly #decoy: Promise<string>;
  readonly #waiting: (() => void)[] = [];
  #hashing = 0;

  /** @param fits for tests: how a secret is held against a hash */
  constructor(directory: Pick<ClientDirectory, 'get'>, startedAt: number, fits: typeof fitsHash = fitsHash) {
    this.#directory = directory;
    this.#assertions = new ClientAssertions(startedAt);
    this.#fits = fits;
    this.#decoy = hashSecret(newSecret());
  }

  /** @param audiences of assertions @param now ms since the epoch @throws {OAuthError} */
  async authenticate(
    form: Form,
    authorization: string | undefined,
    audiences: readonly string[],
    now: number,
  ): Promise<RegisteredClient> {
    if (form.has('client_assertion')) {
      if (authorization !== undefined || form.has('client_secret')) throw twoWays();
      return this.#byAssertion(form, audiences, now);
    }
    return this.#bySecret(credentials(form, authorization));
  }

  async #byAssertion(form: Form, audiences: readonly string[], now: number): Promise<RegisteredClient> {
    if (field(form, 'client_assertion_type') !== ASSERTION_TYPE)
      throw new OAuthError('invalid_client', `the only client_assertion_type is ${ASSERTION_TYPE}`);
    const assertion = field(form, 'client_assertion');
    const clientId = ClientAssertions.claimedClient(assertion);
    const named = form.get('client_id');
    if (named !== undefined && named !== clientId)
      throw new OAuthError('invalid_client', 'client_id is not whom the assertion is of');
    const found = this.#lookUp(clientId);
    if (found === undefined || isLockedOut(found.client)) throw refused();
    await this.#assertions.check(assertion, found.client, audiences, now);
    return found;
  }

  async #bySecret({ clientId, secret }: Credentials): Promise<RegisteredClient> {
    const found = this.#lookUp(clientId);
    const hashes = found?.client.secrets.map(({ hash }) => hash) ?? [];
    const fits = await this.#oneAtATime(async () => {
      let some = false;
      for (const hash of hashes.length > 0 ? hashes : [await this.#decoy])
        some = (await this.#fits(secret, hash)) || some;
      return some && hashes.length > 0;
    });
    if (!fits || found === undefined || isLockedOut(found.client)) throw refused();
    return found;
  }

  #lookUp(clientId: string): RegisteredClient | undefined {
    try {
      return this.#directory.get(clientId);
    } catch (cause) {
      if (cause instanceof IdentityStoreError)
        throw new OAuthError('temporarily_unavailable', 'clients cannot be looked up now', {
          retryAfterSeconds: 5,
          cause,
        });
      throw cause;
    }
  }

  async #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    if (this.#hashing >= HASHES_AT_ONCE) {
      if (this.#waiting.length >= HASHES_WAITING)
        throw new OAuthError('temporarily_unavailable', 'too many authentications at once', { retryAfterSeconds: 2 });
      // Whoever leaves hands the place over, so the count stays as it is.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#hashing += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#hashing -= 1;
      else next();
    }
  }
}

function credentials(form: Form, authorization: string | undefined): Credentials {
  if (authorization === undefined) return { clientId: field(form, 'client_id'), secret: field(form, 'client_secret') };
  if (form.has('client_secret')) throw twoWays();
  const encoded = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization)?.[1];
  const text = Buffer.from(encoded ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) throw new OAuthError('invalid_client', 'the Authorization header holds no client id and secret');
  const [clientId, secret] = [decoded(text.slice(0, colon)), decoded(text.slice(colon + 1))];
  if ((form.get('client_id') ?? clientId) !== clientId)
    throw new OAuthError('invalid_client', 'client_id is not whom the Authorization header names');
  return { clientId, secret };
}

/** In the header both are form-encoded first (RFC 6749, 2.3.1). */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new OAuthError('invalid_client', 'the Authorization header is not form-encoded', { cause });
  }
}

function isLockedOut(client: Client): boolean {
  return client.disabled !== undefined;
}

function refused(): OAuthError {
  return new OAuthError('invalid_client', 'there is no such client, or this is not its secret or key');
}

function twoWays(): OAuthError {
  return new OAuthError('invalid_request', 'authenticate in one way, not two');
}
