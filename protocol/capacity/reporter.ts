/**
 * Tells the gateways what a service can take: once a second its lag and its throughput go to capacity-1.
 *
 * Reported by the service in its own time, so that accepting work never waits for asking anyone. A reporter that ends with
 * nothing waiting takes its word back; where something waits still, the last word stands until somebody reports again.
 */
import { Capacity } from '../generated/capacity/v1m0/capacity_pb.js';
import { Timestamp } from '../generated/google/protobuf/timestamp_pb.js';
import type { Log } from '../log/log.ts';
import { CAPACITY_TOPIC } from '../log/topics.ts';
import { Throughput } from './throughput.ts';

export interface CapacitySample {
  /** Records that wait on the log, those in work included. */
  readonly lag: number;
  /** Records that were finished since the start, by all instances or, where that is not known, by this one. */
  readonly done: number;
}

export interface CapacityReporterOptions {
  readonly log: Log;
  /** As tokens grant it, or the name of a part of the platform. */
  readonly service: string;
  /** Tells it from others that report for the same service. Default: none, all that report for it report the same. */
  readonly instance?: string;
  /** undefined: there is nothing to be said now, and no report is made. */
  readonly sample: () => Promise<CapacitySample | undefined>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told when a report could not be made; the next one is tried all the same. */
  readonly onError: (error: unknown) => void;
  /** Default 1,000 ms. */
  readonly everyMs?: number;
}

/** How long stopping may wait for the log. */
const STOP_MS = 2_000;

/** @returns stops reporting, after the report that is on its way */
export function startCapacityReporter(options: CapacityReporterOptions): () => Promise<void> {
  const reporter = new Reporter(options);
  let pending: Promise<void> | undefined;
  const timer = setInterval(() => {
    // A log that is slow now must not be asked again before it has answered.
    pending ??= reporter
      .report()
      .catch(options.onError)
      .finally(() => {
        pending = undefined;
      });
  }, options.everyMs ?? 1_000);
  return async () => {
    clearInterval(timer);
    await pending;
    // A log that is away must not keep the process: the word is forgotten by itself in time.
    const late = Promise.withResolvers<void>();
    const timeout = setTimeout(late.resolve, STOP_MS);
    await Promise.race([reporter.leave().catch(options.onError), late.promise]);
    clearTimeout(timeout);
  };
}

/** What a consumer group has before it and behind it, over all of its members. */
export function groupSample(log: Log, group: string, topic: string): () => Promise<CapacitySample> {
  return async () => {
    const partitions = await log.lag(group, topic);
    return {
      lag: partitions.reduce((sum, { lag }) => sum + lag, 0),
      done: partitions.reduce((sum, { end, lag }) => sum + end - lag, 0),
    };
  };
}

class Reporter {
  readonly #options: CapacityReporterOptions;
  readonly #instance: string;
  readonly #key: string;
  readonly #throughput = new Throughput();
  #lastLag: number | undefined;

  constructor(options: CapacityReporterOptions) {
    this.#options = options;
    this.#instance = options.instance ?? '';
    this.#key = this.#instance === '' ? options.service : `${options.service}/${this.#instance}`;
  }

  async report(): Promise<void> {
    const { log, service, sample, now } = this.#options;
    const sampled = await sample();
    if (sampled === undefined) return;
    const { lag, done } = sampled;
    const time = now();
    this.#throughput.measure(done, lag, time);
    const capacity: Capacity = {
      service,
      instance: this.#instance,
      lag,
      perSecond: this.#throughput.perSecond,
      stalledSeconds: this.#throughput.stalledSeconds(time),
      time: Timestamp.fromDate(new Date(time)),
    };
    await log.produce(CAPACITY_TOPIC, [{ key: this.#key, value: Capacity.toBinary(capacity) }]);
    this.#lastLag = lag;
  }

  async leave(): Promise<void> {
    if (this.#lastLag === 0) await this.#options.log.produce(CAPACITY_TOPIC, [{ key: this.#key, value: null }]);
  }
}
