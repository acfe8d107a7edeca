/** Sets aside what was tried in vain for the last time: a dead letter for each message, and word of it to the client. */
import type { Endpoint } from '../endpoint.ts';
import type { NewDeadLetter } from '../store/delivery-store.ts';
import type { Delivery } from './delivery.ts';
import type { WorkerDependencies } from './worker-dependencies.ts';

/** @param now ms since the epoch @returns whether it is stored; otherwise it is to be tried again */
export function bury(
  delivery: Delivery,
  endpoint: Endpoint,
  { epoch, store, metrics, logger, notify }: WorkerDependencies,
  cause: string,
  now: number,
): boolean {
  const letters = deadLettersOf(delivery, endpoint, epoch, cause, now);
  try {
    store.bury(letters);
  } catch (error) {
    logger.error({ err: error, endpoint: endpoint.key }, 'a dead letter cannot be stored');
    return false;
  }
  metrics.died(letters.length);
  // Of one that was pushed again in vain the client knows already.
  if (delivery.letter === undefined)
    for (const { offset, messageId, attempts } of letters)
      notify(endpoint, { kind: 'failed', offset, messageId, attempts, cause });
  return true;
}

function deadLettersOf(
  { items, attempts }: Delivery,
  { key, client }: Endpoint,
  epoch: string,
  cause: string,
  died: number,
): NewDeadLetter[] {
  return items.map(({ offset, messageId, type, transaction, time, frame = Buffer.alloc(0) }) => ({
    ...{ endpoint: key, client, epoch, offset, messageId, type, transaction, time: Date.parse(time) },
    ...{ died, attempts, cause, frame },
  }));
}
