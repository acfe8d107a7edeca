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
  endpoints(counts: Readonly<Record<Health['kind'], number>>, waiting: number, inFlight: number): void;
}

export function pushMetrics(registry: Registry): PushMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'sluice_push_requests_total',
    help: 'Requests to webhooks',
    labelNames: ['outcome'],
    registers,
  });
  const seconds = new Histogram({
    name: 'sluice_push_request_seconds',
    help: 'From sending to the end of the answer',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const messages = new Counter({ name: 'sluice_push_messages_total', help: 'Messages pushed', registers });
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
  const waiting = new Gauge({ name: 'sluice_push_waiting_messages', help: 'Taken up and not finished', registers });
  const inFlight = new Gauge({ name: 'sluice_push_in_flight_requests', help: 'Requests under way', registers });
  // Looked up once: this is counted for every request.
  const outcomes = {
    delivered: requests.labels('delivered'),
    failed: requests.labels('failed'),
    gone: requests.labels('gone'),
  };
  return {
    answered(answer, duration, count) {
      outcomes[answer.kind].inc();
      seconds.observe(duration);
      if (count > 0) messages.inc(count);
    },
    died: (count) => died.inc(count),
    journaled: (count) => journaled.inc(count),
    skipped: (why) => skipped.inc({ why }),
    lag: (partition, records) => lag.set({ partition }, records),
    endpoints(counts, messagesWaiting, requestsInFlight) {
      for (const [state, count] of Object.entries(counts)) endpoints.set({ state }, count);
      waiting.set(messagesWaiting);
      inFlight.set(requestsInFlight);
    },
  };
}
