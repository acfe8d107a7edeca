/**
 * Revocation of tokens (RFC 7009): a client gives back one of its own. Every service learns of it over clients-1.
 */
import { REVOKED_TOKEN_KEY } from '../../protocol/claims/client-records.ts';
import type { TokenKeys } from '../../protocol/claims/keys.ts';
import { openToken } from '../../protocol/claims/token.ts';
import { Revocation } from '../../protocol/generated/client/v1m0/client_pb.js';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import type { Log } from '../../protocol/log/log.ts';
import { CLIENTS_TOPIC } from '../../protocol/log/topics.ts';
import { openAuthenticationToken } from './authentication-token.ts';

interface Revocable {
  readonly client: string;
  readonly tokenId: string;
  readonly expiresAt: number;
}

/**
 * Resolves when the log has it. A token that is not one, has expired or is another client's is passed over in silence, as the
 * RFC asks: nobody can find anything out by revoking.
 *
 * @param now ms since the epoch @throws {LogUnavailableError}
 */
export async function revokeToken(
  log: Log,
  keys: TokenKeys,
  client: string,
  token: string,
  now: number,
): Promise<void> {
  const found = await recognise(keys, token, now);
  if (found === undefined || found.client !== client || found.expiresAt < now) return;
  const revocation = Revocation.create({
    subject: { oneofKind: 'tokenId', tokenId: found.tokenId },
    time: Timestamp.fromDate(new Date(now)),
    expires: Timestamp.fromDate(new Date(found.expiresAt + 60_000)),
  });
  await log.produce(CLIENTS_TOPIC, [
    { key: REVOKED_TOKEN_KEY + found.tokenId, value: Revocation.toBinary(revocation) },
  ]);
}

async function recognise(keys: TokenKeys, token: string, now: number): Promise<Revocable | undefined> {
  // A JWE has five parts, a signed token three.
  try {
    return token.split('.').length === 5
      ? await openToken(keys, token)
      : await openAuthenticationToken(keys.authentication, token, now);
  } catch {
    return undefined;
  }
}
