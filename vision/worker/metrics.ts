/** What a vision service tells Prometheus. The services of one process share the metrics; a label tells them apart. */
import { Counter, Gauge, Histogram, type Metric, type Registry } from 'prom-client';
import type { Model } from '../../protocol/generated/vision/v1m0/vision_pb.js';
import type { ImageAnalysis } from './engine.ts';
import type { ServiceIdentity } from './service-identity.ts';

export interface WorkerMetrics {
  /** An image was dealt with. */
  finished(outcome: 'completed' | 'failed' | 'not-granted' | 'poisoned', analysis: ImageAnalysis | undefined): void;
  /** A try did not succeed and is repeated. */
  retried(): void;
  inFlight(images: number, bytes: number): void;
  /** These models are in use from now on. */
  models(models: readonly Model[]): void;
}

const LABELS = ['service', 'version'] as const;
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function workerMetrics(registry: Registry, { name: service, version }: ServiceIdentity): WorkerMetrics {
  const registers = [registry];
  const counter = (name: string, help: string, ...more: string[]) =>
    shared(registry, name, () => new Counter({ name, help, labelNames: [...LABELS, ...more], registers }));
  const gauge = (name: string, help: string, ...more: string[]) =>
    shared(registry, name, () => new Gauge({ name, help, labelNames: [...LABELS, ...more], registers }));
  const images = counter('sluice_vision_images_total', 'Images dealt with', 'outcome');
  const results = counter('sluice_vision_results_total', 'Results sent');
  const retries = counter('sluice_vision_retries_total', 'Tries that failed and were repeated');
  const runs = counter('sluice_vision_model_runs_total', 'Runs of models');
  const samples = counter('sluice_vision_model_samples_total', 'Samples in the runs of models');
  const seconds = shared(registry, 'sluice_vision_image_seconds', (name) => {
    const help = 'From the start of decoding an image to its last result';
    return new Histogram({ name, help, labelNames: LABELS, buckets: SECONDS, registers });
  });
  const inFlightImages = gauge('sluice_vision_in_flight_images', 'Images in work');
  const inFlightBytes = gauge('sluice_vision_in_flight_bytes', 'Encoded bytes in work');
  const modelInfo = gauge(
    'sluice_vision_model_info',
    'Always 1: a model in use, and what runs it',
    'model',
    'model_version',
    'sha256',
    'provider',
  );
  const labels = { service, version };
  let inUse: Record<string, string>[] = [];
  return {
    finished(outcome, analysis) {
      images.inc({ ...labels, outcome });
      if (analysis === undefined) return;
      results.inc(labels, analysis.results.length);
      seconds.observe(labels, analysis.durationMs / 1000);
      runs.inc(labels, analysis.batches?.runs ?? 0);
      samples.inc(labels, analysis.batches?.samples ?? 0);
    },
    retried: () => retries.inc(labels),
    inFlight(count, bytes) {
      inFlightImages.set(labels, count);
      inFlightBytes.set(labels, bytes);
    },
    models(models) {
      for (const old of inUse) modelInfo.remove(old);
      inUse = models.map(({ name: model, version: modelVersion, sha256, provider }) => {
        return { ...labels, model, model_version: modelVersion, sha256, provider };
      });
      for (const now of inUse) modelInfo.set(now, 1);
    },
  };
}

function shared<M extends Metric>(registry: Registry, name: string, create: (name: string) => M): M {
  return (registry.getSingleMetric(name) as M | undefined) ?? create(name);
}
