/**
 * What the services can take now, as they last said, kept in memory: asking it costs nothing and waits for nobody.
 *
 * A service is reported by its instances: the versions of a vision service, the nodes of a part of the platform. None
 * overwrites another, and the one that is furthest behind counts, since an image is for each of them. Between two reports
 * what this gateway has accepted is added to the lag, so that a burst is seen when it comes and not a second later. An
 * instance that has gone quiet says nothing any more beside others that report; where all have, the last word stands, what
 * waits is taken to stand still, and after a while the service is forgotten.
 */
import { Capacity } from '../../protocol/generated/capacity/v1m0/capacity_pb.js';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import type { LogRecord } from '../../protocol/log/log.ts';
import type { Demand } from './demand.ts';

/** How many images may wait for a vision service that has not shown yet what it can do: it will have within seconds. */
const MOST_FOR_UNKNOWN = 200;
const UNKNOWN_FOR_SECONDS = 1;
/** Reports come once a second; after so long without one a service is taken to stand still. */
const QUIET_AFTER_MS = 10_000;

export interface LoadBounds {
  /** How long, in seconds, what is accepted may have to wait for the service. */
  readonly maxWaitSeconds: (service: string) => number;
  /** How long a report counts. */
  readonly forgetAfterMs: number;
}

export interface Congestion {
  readonly service: string;
  /** Until the wait is below the bound again, if nothing more comes. */
  readonly seconds: number;
}

interface Reported {
  readonly service: string;
  readonly instance: string;
  readonly lag: number;
  readonly perSecond: number;
  readonly stalledSeconds: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Images accepted here since the report, and when the first of them was. */
  accepted: number;
  acceptedSince: number;
}

export class LoadSignal {
  readonly #bounds: LoadBounds;
  /** By the keys of capacity-1. */
  readonly #reports = new Map<string, Reported>();

  constructor(bounds: LoadBounds) {
    this.#bounds = bounds;
  }

  /** Takes a record of capacity-1 in. */
  apply({ key, value }: Pick<LogRecord, 'key' | 'value'>): void {
    const capacity = value === null ? undefined : decode(value);
    if (capacity === undefined) {
      this.#reports.delete(key);
      return;
    }
    const { service, instance, lag, perSecond, stalledSeconds } = capacity;
    const time = capacity.time === undefined ? 0 : Timestamp.toDate(capacity.time).getTime();
    this.#reports.set(key, { service, instance, lag, perSecond, stalledSeconds, time, accepted: 0, acceptedSince: 0 });
    for (const [other, report] of this.#reports)
      if (time - report.time > this.#bounds.forgetAfterMs) this.#reports.delete(other);
  }

  /** Counts images that were accepted for these services. @param now ms since the epoch */
  accepted(demands: readonly Demand[], images: number, now: number): void {
    for (const demand of demands) {
      for (const report of this.#reportsFor(demand)) {
        if (report.accepted === 0) report.acceptedSince = now;
        report.accepted += images;
      }
    }
  }

  /** The service that is furthest behind of those that are too far, or undefined. @param now ms since the epoch */
  congestion(demands: readonly Demand[], now: number): Congestion | undefined {
    let worst: Congestion | undefined;
    for (const demand of demands) {
      for (const report of this.#counting(demand, now)) {
        const bound = this.#bounds.maxWaitSeconds(demand.service);
        const seconds = isUnproven(report, demand) ? UNKNOWN_FOR_SECONDS : wait(report, demand, now) - bound;
        if (seconds > 0 && (worst === undefined || seconds > worst.seconds))
          worst = { service: demand.service, seconds };
      }
    }
    return worst;
  }

  /** How long an image that is accepted now would wait for the service, in seconds; 0 where nothing is known of it. */
  waitSeconds(demand: Demand, now: number): number {
    return Math.max(0, ...this.#counting(demand, now).map((report) => wait(report, demand, now)));
  }

  /** Names of the services that are known, each once. */
  services(): string[] {
    return [...new Set([...this.#reports.values()].map(({ service }) => service))];
  }

  #reportsFor({ service, counts }: Demand): Reported[] {
    return [...this.#reports.values()].filter((report) => report.service === service && counts(report.instance));
  }

  /** The instances that still report; where none does, the one that did last, until it is forgotten. */
  #counting(demand: Demand, now: number): Reported[] {
    const reports = this.#reportsFor(demand);
    const heard = reports.filter((report) => !isQuiet(report, now));
    if (heard.length > 0) return heard;
    const remembered = reports.filter(({ time }) => now - time <= this.#bounds.forgetAfterMs);
    return remembered.toSorted((a, b) => b.time - a.time).slice(0, 1);
  }
}

function isQuiet({ time }: Reported, now: number): boolean {
  return now - time > QUIET_AFTER_MS;
}

/** Whether much waits already for a service of which nobody knows how fast it is. */
function isUnproven({ perSecond, lag, accepted }: Reported, { unit }: Demand): boolean {
  return unit === 'images' && perSecond === 0 && lag + accepted > MOST_FOR_UNKNOWN;
}

function wait(report: Reported, { unit }: Demand, now: number): number {
  const { lag, perSecond, accepted } = report;
  if (lag + accepted === 0) return 0;
  // How many records an image will make is known only when it has made them.
  const waiting = unit === 'images' ? lag + accepted : lag;
  // However fast it was, what stands still has to start again first.
  return Math.max(standstillSeconds(report, now), perSecond > 0 ? waiting / perSecond : 0);
}

function standstillSeconds(report: Reported, now: number): number {
  const { lag, stalledSeconds, time, acceptedSince } = report;
  if (!isQuiet(report, now)) return lag > 0 ? stalledSeconds : 0;
  return lag > 0 ? stalledSeconds + (now - time) / 1000 : (now - acceptedSince) / 1000;
}

function decode(value: Uint8Array): Capacity | undefined {
  try {
    return Capacity.fromBinary(value);
  } catch {
    return undefined;
  }
}
