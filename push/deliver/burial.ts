/** What is set aside of a delivery that was tried in vain for the last time: one dead letter for each of its messages. */
import type { Endpoint } from '../endpoint.ts';
import type { NewDeadLetter } from '../store/delivery-store.ts';
import type { Delivery } from './delivery.ts';

/** @param died ms since the epoch */
export function deadLettersOf(
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
