/** What the gateway tells Prometheus. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { InFlight } from './ingest/in-flight.ts';
import { fullDemand } from './load/demand.ts';
import type { LoadSignal } from './load/load-signal.ts';

export interface GatewayMetrics {
  accepted(images: readonly { readonly mediaType: string; readonly content: { readonly byteLength: number } }[]): void;
  /** @param problem key of the problem type that a submission was answered with */
  refused(problem: string): void;
  answered(seconds: number): void;
}

export function gatewayMetrics(registry: Registry, inFlight: InFlight, signal: LoadSignal): GatewayMetrics {
  const registers = [registry];
  const images = new Counter({
    name: 'sluice_gateway_images_total',
    help: 'Images accepted and acknowledged by the log',
    labelNames: ['media_type'],
    registers,
  });
  const bytes = new Counter({
    name: 'sluice_gateway_image_bytes_total',
    help: 'Encoded bytes of accepted images',
    registers,
  });
  const refusals = new Counter({
    name: 'sluice_gateway_refused_total',
    help: 'Submissions that were not accepted, by problem type',
    labelNames: ['problem'],
    registers,
  });
  const seconds = new Histogram({
    name: 'sluice_gateway_submission_seconds',
    help: 'From the first header of a submission to its answer',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  new Gauge({
    name: 'sluice_gateway_in_flight_requests',
    help: 'Submissions being taken in',
    registers,
    collect() {
      this.set(inFlight.requests);
    },
  });
  new Gauge({
    name: 'sluice_gateway_in_flight_bytes',
    help: 'Bytes reserved for submissions being taken in',
    registers,
    collect() {
      this.set(inFlight.bytes);
    },
  });
  new Gauge({
    name: 'sluice_gateway_expected_wait_seconds',
    help: 'How long an image that is accepted now would wait for the service, by what it last reported',
    labelNames: ['service'],
    registers,
    collect() {
      this.reset();
      for (const service of signal.services())
        this.set({ service }, signal.waitSeconds(fullDemand(service), Date.now()));
    },
  });
  return {
    accepted(list) {
      for (const { mediaType, content } of list) {
        images.inc({ media_type: mediaType });
        bytes.inc(content.byteLength);
      }
    },
    refused: (problem) => refusals.inc({ problem }),
    answered: (duration) => seconds.observe(duration),
  };
}
