/** Makes it known that messages of an endpoint were retired before they could be pushed: to its client, in a metric and in the log. */
import type { Endpoint } from '../endpoint.ts';
import type { WorkerDependencies } from './worker-dependencies.ts';

/** @param after, until offsets: what was retired lies past the first, up to the second. None where `after` is not less */
export function tellGap(
  endpoint: Endpoint,
  { metrics, logger, notify }: WorkerDependencies,
  after: number,
  until: number,
): void {
  if (after >= until) return;
  metrics.missed();
  const { client, key } = endpoint;
  logger.warn({ client, endpoint: key, after, until }, 'messages of a webhook were retired before they were pushed');
  notify(endpoint, { kind: 'gap', after, until });
}
