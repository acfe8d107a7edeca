/**
 * Checks tokens for a service. The same token comes with thousands of messages, so opened ones are remembered: opening
 * costs two asymmetric operations, remembering a map look-up.
 */

import type { TokenKeys } from './keys.ts';
import type { Revocations } from './revocations.ts';
import { type Claims, openToken, TokenError } from './token.ts';

/** Opened tokens remembered at most; the one unused for longest goes first. */
const REMEMBERED = 10_000;
/** How far the clocks of two machines may differ. Milliseconds. */
const CLOCK_TOLERANCE = 5_000;

export class TokenVerifier {
  readonly #keys: () => TokenKeys;
  readonly #revocations: Revocations | undefined;
  readonly #opened = new Map<string, Claims>();
  #openedWith: TokenKeys | undefined;

  /**
   * @param keys asked each time, so that a rotation needs no restart: gives the same object until the keys change
   * @param revocations without them only keys and time are checked
   */
  constructor(keys: () => TokenKeys, revocations?: Revocations) {
    this.#keys = keys;
    this.#revocations = revocations;
  }

  /**
   * @param at the moment to judge by, ms since the epoch: now for a request, the event time for a message, since work that was
   *   accepted in time is done however long it waited
   * @throws {TokenError}
   */
  async verify(token: string, at: number): Promise<Claims> {
    const claims = await this.#open(token);
    if (at >= claims.expiresAt + CLOCK_TOLERANCE) throw new TokenError('expired', 'the token has expired');
    if (at < claims.issuedAt - CLOCK_TOLERANCE) throw new TokenError('not-yet-valid', 'the token is not valid yet');
    if (at >= claims.keysRetireAt) throw new TokenError('retired-key', 'the token was made with a key that is retired');
    if (this.#revocations?.isRevoked(claims, at)) throw new TokenError('revoked', 'the token has been revoked');
    return claims;
  }

  /**
   * Checks everything but the time: for messages that follow from a submission whose time was checked when it was taken in,
   * such as results, which may come long after the submitter's token has expired or was revoked, or its keys were retired.
   * @throws {TokenError}
   */
  authentic(token: string): Promise<Claims> {
    return this.#open(token);
  }

  async #open(token: string): Promise<Claims> {
    const keys = this.#keys();
    if (keys !== this.#openedWith) {
      // A key may have been retired or forgotten: what it opened is no longer to be trusted.
      this.#opened.clear();
      this.#openedWith = keys;
    }
    const known = this.#opened.get(token);
    if (known !== undefined) {
      this.#opened.delete(token);
      this.#opened.set(token, known);
      return known;
    }
    const claims = await openToken(keys, token);
    // Another call may have seen newer keys while this one was opening.
    if (keys === this.#openedWith) this.#opened.set(token, claims);
    if (this.#opened.size > REMEMBERED) this.#opened.delete(this.#opened.keys().next().value as string);
    return claims;
  }
}
