/** What a vision service tells Prometheus. The services of one process share the metrics; a label tells them apart. */
import { Counter, Gauge, Histogram, type Metric, type Registry } from 'prom-client';
import type { ImageAnalysis } from './engine.ts';

export interface WorkerMetrics {
  /** An image was dealt with. */
  finished(outcome: 'completed' | 'failed' | 'not-granted' | 'poisoned', analysis: ImageAnalysis | undefined): void;
  /** A try did not succeed and is repeated. */
  retried(): void;
  inFlight(images: number, bytes: number): void;
}

export function workerMetrics(registry: Registry, service: string): WorkerMetrics {
  const images = shared(registry, 'sluice_vision_images_total', (name) => {
    return new Counter({ name, help: 'Images dealt with', labelNames: ['service', 'outcome'], registers: [registry] });
  });
  const results = shared(registry, 'sluice_vision_results_total', (name) => {
    return new Counter({ name, help: 'Results sent', labelNames: ['service'], registers: [registry] });
  });
  const retries = shared(registry, 'sluice_vision_retries_total', (name) => {
    return new Counter({
      name,
      help: 'Tries that failed and were repeated',
      labelNames: ['service'],
      registers: [registry],
    });
  });
  const seconds = shared(registry, 'sluice_vision_image_seconds', (name) => {
    return new Histogram({
      name,
      help: 'From the start of decoding an image to its last result',
      labelNames: ['service'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers: [registry],
    });
  });
  const inFlightImages = shared(registry, 'sluice_vision_in_flight_images', (name) => {
    return new Gauge({ name, help: 'Images in work', labelNames: ['service'], registers: [registry] });
  });
  const inFlightBytes = shared(registry, 'sluice_vision_in_flight_bytes', (name) => {
    return new Gauge({ name, help: 'Encoded bytes in work', labelNames: ['service'], registers: [registry] });
  });
  return {
    finished(outcome, analysis) {
      images.inc({ service, outcome });
      if (analysis === undefined) return;
      results.inc({ service }, analysis.results.length);
      seconds.observe({ service }, analysis.durationMs / 1000);
    },
    retried: () => retries.inc({ service }),
    inFlight(count, bytes) {
      inFlightImages.set({ service }, count);
      inFlightBytes.set({ service }, bytes);
    },
  };
}

function shared<M extends Metric>(registry: Registry, name: string, create: (name: string) => M): M {
  return (registry.getSingleMetric(name) as M | undefined) ?? create(name);
}
