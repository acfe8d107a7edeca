/**
 * Tells the gateways what a service can take: once a second its lag and its throughput go to capacity-1.
 *
 * Reported by the service in its own time, so that accepting work never waits for asking anyone.
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
  readonly sample: () => Promise<CapacitySample>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told when a report could not be made; the next one is tried all the same. */
  readonly onError: (error: unknown) => void;
  /** Default 1,000 ms. */
  readonly everyMs?: number;
}

/** @returns stops reporting, after the report that is on its way */
export function startCapacityReporter(options: CapacityReporterOptions): () => Promise<void> {
  const throughput = new Throughput();
  let pending: Promise<void> | undefined;
  const timer = setInterval(() => {
    // A log that is slow now must not be asked again before it has answered.
    pending ??= report(options, throughput)
      .catch(options.onError)
      .finally(() => {
        pending = undefined;
      });
  }, options.everyMs ?? 1_000);
  return async () => {
    clearInterval(timer);
    await pending;
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

async function report({ log, service, sample, now }: CapacityReporterOptions, throughput: Throughput): Promise<void> {
  const { lag, done } = await sample();
  const time = now();
  throughput.measure(done, lag, time);
  const capacity: Capacity = {
    service,
    lag,
    perSecond: throughput.perSecond,
    stalledSeconds: throughput.stalledSeconds(time),
    time: Timestamp.fromDate(new Date(time)),
  };
  await log.produce(CAPACITY_TOPIC, [{ key: service, value: Capacity.toBinary(capacity) }]);
}
