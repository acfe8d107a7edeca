/** Opens the sealed secrets that an endpoint's token carries. */
import type { Logger } from 'pino';
import { openSecret, type SealingKeys, secretKey } from '../../protocol/webhook/sealing.ts';
import type { Endpoint } from '../endpoint.ts';
import type { SigningKey } from './signature.ts';

/** @returns none where one of them does not open: then nothing may be sent */
export async function openSigningKeys(
  sealingKeys: SealingKeys,
  { client, grant }: Endpoint,
  logger: Logger,
): Promise<SigningKey[]> {
  try {
    return await Promise.all(
      grant.secrets.map(async ({ sealed, retires }) => ({
        key: secretKey(await openSecret(sealingKeys, client, sealed)),
        retires,
      })),
    );
  } catch (error) {
    logger.error({ err: error, client }, "a webhook's secret does not open: nothing is sent");
    return [];
  }
}
