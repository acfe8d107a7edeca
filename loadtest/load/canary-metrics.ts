/** What a canary tells its operators: latency and completeness as a client has them (docs/operations-metrics.md). */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { FinishedImage, StreamChecker } from './stream-checker.ts';

export interface CanaryMetrics {
  readonly registry: Registry;
  /** @param image of an accepted submission @param at when it was sent, in the clock that was given */
  submitted(outcome: 'accepted' | 'refused' | 'failed', image: string | undefined, at: number): void;
  finished(image: FinishedImage): void;
  /** Whose findings are told. */
  watch(checker: StreamChecker): void;
}

/** Images of which it is remembered when they are due: more cannot be overdue at once. */
const MOST_PENDING = 10_000;

/** @param now milliseconds @param deadlineMs how long an image may take before it counts as overdue */
export function canaryMetrics(now: () => number, deadlineMs: number): CanaryMetrics {
  const registry = new Registry();
  const registers = [registry];
  const submissions = new Counter({
    name: 'sluice_canary_submissions_total',
    help: 'Images sent, by what became of the request: accepted, refused (429, 503) or failed',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of ['accepted', 'refused', 'failed']) submissions.inc({ outcome }, 0);
  const seconds = new Histogram({
    name: 'sluice_canary_end_to_end_seconds',
    help: "From the start of the request to the last service's completion being read from the firehose",
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers,
  });
  const incomplete = new Counter({
    name: 'sluice_canary_failed_services_total',
    help: 'Services that gave an image of the canary up',
    labelNames: ['service'],
    registers,
  });
  const dueAt = new Map<string, number>();
  // An answer to a submission may come after its last result.
  const early = new Set<string>();
  let checker: StreamChecker | undefined;
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  gauge('sluice_canary_unfinished_images', 'Images accepted of which not all has been heard yet', () => dueAt.size);
  gauge(
    'sluice_canary_overdue_images',
    'Images accepted that should have been finished by now',
    () => [...dueAt.values()].filter((due) => due < now()).length,
  );
  gauge(
    'sluice_canary_findings',
    'Messages lost, repeated or out of order, by the chain of prev; anything but 0 is a broken promise',
    () => checker?.found ?? 0,
  );
  return {
    registry,
    submitted(outcome, image, at) {
      submissions.inc({ outcome });
      if (image === undefined || early.delete(image)) return;
      dueAt.set(image, at + deadlineMs);
      if (dueAt.size > MOST_PENDING) dueAt.delete(dueAt.keys().next().value!);
    },
    finished({ image, latencyMs, failedServices }) {
      seconds.observe(latencyMs / 1000);
      for (const service of failedServices) incomplete.inc({ service });
      if (!dueAt.delete(image)) early.add(image);
      if (early.size > MOST_PENDING) early.delete(early.values().next().value!);
    },
    watch(watched) {
      checker = watched;
    },
  };
}
