/** What push tells Prometheus. No metric is labelled by client: their number is not ours to bound. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Answer } from './machines/answer.ts';
import type { Health } from './machines/health.ts';

export interface PushMetrics {
  /** A request was answered. @param messages how many were delivered by it */
  answered(answer: Answer, seconds: number, messages: number): void;
  died(messages: number): void;
  journaled(messages: number): void;
  skipped(why: 'refused' | 'unsound'): void;
  lag(partition: number, records: number): void;
  /** Messages may have been retired before an endpoint was pushed them. */
  missed(): void;
  endpoints(counts: Readonly<Record<Health['kind'], number>>): void;
  queues(queues: PushQueues): void;
  noticeDropped(): void;
}

/** What waits, over all endpoints: each has a bound by config or in code. */
export interface PushQueues {
  /** Messages taken from the journal and not finished. */
  readonly waiting: number;
  /** Endpoints for which nothing more is read before something is finished. */
  readonly full: number;
  readonly inFlight: number;
  /** Requests under way beyond the first of each endpoint. */
  readonly roomTaken: number;
  /** How many of those there may be now. */
  readonly room: number;
  readonly heldBytes: number;
  /** Notices that the log has not taken yet. */
  readonly notices: number;
}

export function pushMetrics(registry: Registry): PushMetrics {
  const registers = [registry];
  // Counted here and handed over when somebody looks: this is for every request, and finding a counter by its labels costs more.
  const outcomes = { delivered: 0, failed: 0, gone: 0 };
  let pushed = 0;
  new Counter({
    name: 'sluice_push_requests_total',
    help: 'Requests to webhooks',
    labelNames: ['outcome'],
    registers,
    collect() {
      for (const [outcome, count] of Object.entries(outcomes)) {
        this.inc({ outcome }, count);
        outcomes[outcome as Answer['kind']] = 0;
      }
    },
  });
  const seconds = new Histogram({
    name: 'sluice_push_request_seconds',
    help: 'From sending to the end of the answer',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  new Counter({
    name: 'sluice_push_messages_total',
    help: 'Messages pushed',
    registers,
    collect() {
      this.inc(pushed);
      pushed = 0;
    },
  });
  const died = new Counter({ name: 'sluice_push_dead_letters_total', help: 'Messages set aside', registers });
  const journaled = new Counter({ name: 'sluice_push_journaled_total', help: 'Messages taken in', registers });
  const skipped = new Counter({
    name: 'sluice_push_skipped_total',
    help: 'Records that could not be pushed',
    labelNames: ['why'],
    registers,
  });
  const lag = new Gauge({
    name: 'sluice_push_lag_records',
    help: 'Records of results-1 not taken in yet',
    labelNames: ['partition'],
    registers,
  });
  const endpoints = new Gauge({
    name: 'sluice_push_endpoints',
    help: 'Endpoints by state',
    labelNames: ['state'],
    registers,
  });
  const missed = new Counter({
    name: 'sluice_push_gaps_total',
    help: 'Gaps in what an endpoint was pushed: messages that may have been retired before their turn came',
    registers,
  });
  const dropped = new Counter({
    name: 'sluice_push_notices_dropped_total',
    help: 'Notices about webhooks given up because too many waited for the log',
    registers,
  });
  const gauge = (name: string, help: string) => new Gauge({ name: `sluice_push_${name}`, help, registers });
  const gauges: Readonly<Record<keyof PushQueues, Gauge>> = {
    waiting: gauge('waiting_messages', 'Taken up and not finished'),
    full: gauge('full_endpoints', 'Endpoints with so much unfinished that nothing more is taken up for them'),
    inFlight: gauge('in_flight_requests', 'Requests under way'),
    room: gauge('shared_room', 'Requests beyond the first of each endpoint that there may be under way now'),
    roomTaken: gauge('shared_requests', 'Requests under way beyond the first of each endpoint'),
    heldBytes: gauge('held_bytes', 'Messages held in memory for what is sent next'),
    notices: gauge('waiting_notices', 'Notices about webhooks that the log has not taken yet'),
  };
  return {
    answered(answer, duration, count) {
      outcomes[answer.kind] += 1;
      pushed += count;
      seconds.observe(duration);
    },
    died: (count) => died.inc(count),
    journaled: (count) => journaled.inc(count),
    skipped: (why) => skipped.inc({ why }),
    lag: (partition, records) => lag.set({ partition }, records),
    missed: () => missed.inc(),
    noticeDropped: () => dropped.inc(),
    endpoints(counts) {
      for (const [state, count] of Object.entries(counts)) endpoints.set({ state }, count);
    },
    queues(queues) {
      for (const [name, size] of Object.entries(queues)) gauges[name as keyof PushQueues].set(size);
    },
  };
}
