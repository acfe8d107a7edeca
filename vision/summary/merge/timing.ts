/** How each service did over the images of a transaction. */
import { Duration } from '../../../protocol/generated/google/protobuf/duration_pb.js';
import type { ServiceTiming } from '../../../protocol/generated/summary/v1m0/summary_pb.js';

export interface TimedOutcome {
  readonly service: string;
  readonly outcome: 'completed' | 'failed' | 'missing';
  readonly results: number;
  readonly durationMs: number;
}

/** @returns one entry per service, by name */
export function timingOf(outcomes: readonly TimedOutcome[]): ServiceTiming[] {
  const byService = Map.groupBy(outcomes, ({ service }) => service);
  return [...byService]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([service, all]) => {
      const completed = all.filter(({ outcome }) => outcome === 'completed');
      const durations = completed.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
      return {
        service,
        completed: completed.length,
        failed: all.filter(({ outcome }) => outcome === 'failed').length,
        missing: all.filter(({ outcome }) => outcome === 'missing').length,
        results: completed.reduce((sum, { results }) => sum + results, 0),
        ...(durations.length === 0
          ? {}
          : {
              total: durationOf(durations.reduce((sum, ms) => sum + ms, 0)),
              // Of an even number the lower of the two in the middle: a duration that was really measured.
              median: durationOf(durations[Math.ceil(durations.length / 2) - 1]!),
              longest: durationOf(durations.at(-1)!),
            }),
      };
    });
}

export function durationOf(ms: number): Duration {
  const nanos = Math.round(ms * 1e6);
  return Duration.create({ seconds: Math.floor(nanos / 1e9), nanos: nanos % 1e9 });
}
