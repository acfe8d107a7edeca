/** What one client may take of the firehose: from the grant in its token, else from the config. */
import type { GrantConfiguration } from '../protocol/claims/grant.ts';
import { Problem } from '../protocol/http/problem.ts';
import type { FirehoseConfig } from './config.ts';
import { Checker } from './request/checker.ts';
import { readRate } from './request/parse-request.ts';
import type { Rate } from './request/stream-request.ts';

export interface ClientLimits {
  readonly rate: Rate;
  readonly streams: number;
  /** May see and close the connections of all clients. */
  readonly operator: boolean;
}

/**
 * @param grant such as `{"max_rate": {"messages": 1000}, "max_streams": 4, "operator": true}`; all of it may be absent
 * @throws {Problem} invalid-grant-configuration
 */
export function clientLimits(grant: GrantConfiguration, config: FirehoseConfig): ClientLimits {
  const check = new Checker();
  check.object(grant, '', ['max_rate', 'max_streams', 'operator']);
  const rate = readRate(check, grant.max_rate, '/max_rate');
  const streams = check.integer(grant.max_streams, '/max_streams', 1);
  const operator = check.boolean(grant.operator, '/operator');
  if (check.errors.length > 0) {
    const detail = check.errors.map((error) => `${error.field} ${error.detail}`).join('; ');
    throw new Problem('invalid-grant-configuration', `The grant firehose: ${detail}.`);
  }
  return {
    rate: {
      messages: rate.messages ?? (config.maxMessagesPerSecond || undefined),
      bytes: rate.bytes ?? (config.maxBytesPerSecond || undefined),
    },
    streams: streams ?? config.maxStreamsPerClient,
    operator: operator ?? false,
  };
}
