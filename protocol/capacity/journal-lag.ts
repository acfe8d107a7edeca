/**
 * How far this node's journals are behind results-1: what gateways hold back work by.
 *
 * A node says nothing before it has caught up once. One that is new, or builds its journals anew from the log, has days of
 * results before it, and turning away new images would not make it any faster.
 */
import type { Log } from '../log/log.ts';
import { RESULTS_TOPIC } from '../log/topics.ts';
import type { CapacitySample } from './reporter.ts';

/** A node that follows has rarely nothing before it: so few records are under way at any moment. */
const CAUGHT_UP_RECORDS = 1_000;

/** Of every journal that is open: the offset of the next record that it takes in, by partition. */
export interface JournalPositions {
  positions(): ReadonlyMap<number, number>;
}

/** @returns samples for the capacity reporter; undefined while the journals are not open or have not caught up yet */
export function journalLag(
  log: Pick<Log, 'watermarks'>,
  journals: JournalPositions,
): () => Promise<CapacitySample | undefined> {
  let caughtUp = false;
  return async () => {
    const positions = journals.positions();
    if (positions.size === 0) return undefined;
    let lag = 0;
    let done = 0;
    for (const { partition, earliest, end } of await log.watermarks(RESULTS_TOPIC)) {
      const position = positions.get(partition);
      if (position === undefined) continue;
      lag += Math.max(0, end - Math.max(position, earliest));
      done += position;
    }
    caughtUp ||= lag <= CAUGHT_UP_RECORDS;
    return caughtUp ? { lag, done } : undefined;
  };
}
