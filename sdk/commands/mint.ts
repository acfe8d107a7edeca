/** Mints tokens from the keys of a data folder: for development and for operators on the machine itself. */
import { join } from 'node:path';
import { isClientId } from '../../protocol/claims/client-id.ts';
import { type Grants, grantedService } from '../../protocol/claims/grant.ts';
import { openTokenKeys } from '../../protocol/claims/keys.ts';
import { MAX_TOKEN_LIFETIME_MS, mintToken } from '../../protocol/claims/token.ts';
import { UsageError } from './errors.ts';

const MAX_TTL_SECONDS = MAX_TOKEN_LIFETIME_MS / 1000;

/** What a client may do unless it is said otherwise: the vision services that run by default, and the whole platform. */
export const ALL_GRANTS: Grants = {
  'ingest-1': {},
  'faceextract-*': {},
  'ocr-*': {},
  'barcode-*': {},
  'summary-1': {},
  'firehose-1': {},
  'push-1': {},
};

/**
 * @param patterns grants as on the command line: `ocr-*`, or with a configuration `ocr-*={"language":"en"}`; all if empty
 * @throws {UsageError}
 */
export async function mintFor(
  data: string,
  client: string,
  patterns: readonly string[],
  ttlSeconds: number,
): Promise<string> {
  if (!isClientId(client))
    throw new UsageError(`'${client}' is not a client id: 1 to 128 letters, digits, '.', '_', '~' or '-'`);
  if (!(ttlSeconds > 0 && ttlSeconds <= MAX_TTL_SECONDS))
    throw new UsageError(
      `--ttl is a number of seconds above 0 and at most ${MAX_TTL_SECONDS} (${MAX_TTL_SECONDS / 86_400} days)`,
    );
  const keys = await openTokenKeys(join(data, 'keys'));
  const issuedAt = Date.now();
  return mintToken(keys, { client, grants: parseGrants(patterns), issuedAt, expiresAt: issuedAt + ttlSeconds * 1000 });
}

/** @param patterns as for mintFor @throws {UsageError} */
export function parseGrants(patterns: readonly string[]): Grants {
  return patterns.length === 0 ? ALL_GRANTS : Object.fromEntries(patterns.map(parseGrant));
}

function parseGrant(text: string): [string, Record<string, unknown>] {
  const at = text.indexOf('=');
  const pattern = at === -1 ? text : text.slice(0, at);
  try {
    grantedService(pattern);
    const configuration = at === -1 ? {} : JSON.parse(text.slice(at + 1));
    if (typeof configuration !== 'object' || configuration === null || Array.isArray(configuration))
      throw new TypeError('the configuration of a grant is a JSON object');
    return [pattern, configuration];
  } catch (cause) {
    throw new UsageError(`--grant ${text}: ${(cause as Error).message}`, { cause });
  }
}
