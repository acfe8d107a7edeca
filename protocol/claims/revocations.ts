/**
 * Which tokens count no more, followed from clients-1.
 *
 * A revocation has a moment: what a token brought in before it is still worked on, as with expiry.
 */
import { Revocation } from '../generated/client/v1m0/client_pb.js';
import { Timestamp } from '../generated/google/protobuf/timestamp_pb.js';
import type { LogRecord } from '../log/log.ts';
import { REVOKED_CLIENT_KEY, REVOKED_TOKEN_KEY } from './client-records.ts';

interface RevocableClaims {
  readonly client: string;
  readonly tokenId: string;
  readonly issuedAt: number;
}

export class Revocations {
  /** Moments, ms since the epoch, by token id and by client. */
  readonly #tokens = new Map<string, number>();
  readonly #clients = new Map<string, number>();

  get size(): number {
    return this.#tokens.size + this.#clients.size;
  }

  /** Takes a record of clients-1 in; records of other kinds are none of its business. */
  apply(record: Pick<LogRecord, 'key' | 'value'>): void {
    const place = this.#placeOf(record.key);
    if (place === undefined) return;
    const [moments, subject] = place;
    const time = record.value === null ? undefined : momentOf(record.value);
    if (time === undefined) moments.delete(subject);
    else moments.set(subject, time);
  }

  /**
   * @param at the moment by which the token is judged, ms since the epoch. A revocation of a client concerns the tokens that were
   *   issued before it: the client can be given new ones.
   */
  isRevoked({ client, tokenId, issuedAt }: RevocableClaims, at: number): boolean {
    const token = this.#tokens.get(tokenId);
    if (token !== undefined && at >= token) return true;
    const all = this.#clients.get(client);
    // Issue times are in whole seconds.
    return all !== undefined && at >= all && issuedAt <= all;
  }

  #placeOf(key: string): [Map<string, number>, string] | undefined {
    if (key.startsWith(REVOKED_TOKEN_KEY)) return [this.#tokens, key.slice(REVOKED_TOKEN_KEY.length)];
    if (key.startsWith(REVOKED_CLIENT_KEY)) return [this.#clients, key.slice(REVOKED_CLIENT_KEY.length)];
    return undefined;
  }
}

function momentOf(value: Uint8Array): number | undefined {
  try {
    const { time } = Revocation.fromBinary(value);
    return time === undefined ? undefined : Timestamp.toDate(time).getTime();
  } catch {
    return undefined;
  }
}
