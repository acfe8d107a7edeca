/**
 * What the services can take now, as they last said, kept in memory: asking it costs nothing and waits for nobody.
 *
 * Between two reports of a service what this gateway has accepted for it is added to its lag, so that a burst is seen when it
 * comes and not a second later. A service that has gone quiet is taken at its last word for a while and then forgotten.
 */
import { Capacity } from '../../protocol/generated/capacity/v1m0/capacity_pb.js';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import type { LogRecord } from '../../protocol/log/log.ts';

/** How many images may wait for a service that has not shown yet what it can do: it will have within seconds. */
const MOST_FOR_UNKNOWN = 200;
const UNKNOWN_FOR_SECONDS = 1;

export interface LoadBounds {
  /** How long an image may have to wait for a service. */
  readonly maxWaitSeconds: number;
  /** How long a report counts. */
  readonly forgetAfterMs: number;
}

export interface Congestion {
  readonly service: string;
  /** Until the wait is below the bound again, if nothing more comes. */
  readonly seconds: number;
}

interface Reported {
  readonly lag: number;
  readonly perSecond: number;
  readonly stalledSeconds: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Images accepted here since the report. */
  accepted: number;
}

export class LoadSignal {
  readonly #bounds: LoadBounds;
  readonly #services = new Map<string, Reported>();

  constructor(bounds: LoadBounds) {
    this.#bounds = bounds;
  }

  /** Takes a record of capacity-1 in. */
  apply({ key, value }: Pick<LogRecord, 'key' | 'value'>): void {
    const capacity = value === null ? undefined : decode(value);
    if (capacity === undefined) {
      this.#services.delete(key);
      return;
    }
    const { lag, perSecond, stalledSeconds, time } = capacity;
    const reportedAt = time === undefined ? 0 : Timestamp.toDate(time).getTime();
    this.#services.set(key, { lag, perSecond, stalledSeconds, time: reportedAt, accepted: 0 });
  }

  /** Counts images that were accepted for these services. */
  accepted(services: readonly string[], images: number): void {
    for (const service of services) {
      const reported = this.#services.get(service);
      if (reported !== undefined) reported.accepted += images;
    }
  }

  /** The service that is furthest behind of those that are too far, or undefined. @param now ms since the epoch */
  congestion(services: readonly string[], now: number): Congestion | undefined {
    let worst: Congestion | undefined;
    for (const service of services) {
      const seconds = this.#isUnproven(service)
        ? UNKNOWN_FOR_SECONDS
        : this.waitSeconds(service, now) - this.#bounds.maxWaitSeconds;
      if (seconds > 0 && (worst === undefined || seconds > worst.seconds)) worst = { service, seconds };
    }
    return worst;
  }

  /** How long an image that is accepted now would wait for the service; 0 where nothing is known of it. */
  waitSeconds(service: string, now: number): number {
    const reported = this.#services.get(service);
    if (reported === undefined || now - reported.time > this.#bounds.forgetAfterMs) return 0;
    const { lag, perSecond, stalledSeconds, accepted } = reported;
    if (lag + accepted === 0) return 0;
    // However fast it was, what stands still has to start again first.
    return Math.max(stalledSeconds, perSecond > 0 ? (lag + accepted) / perSecond : 0);
  }

  /** Whether much waits already for a service of which nobody knows how fast it is. */
  #isUnproven(service: string): boolean {
    const reported = this.#services.get(service);
    return reported?.perSecond === 0 && reported.lag + reported.accepted > MOST_FOR_UNKNOWN;
  }

  services(): string[] {
    return [...this.#services.keys()];
  }
}

function decode(value: Uint8Array): Capacity | undefined {
  try {
    return Capacity.fromBinary(value);
  } catch {
    return undefined;
  }
}
