/** Turns tracing on: spans go in batches to an OpenTelemetry collector. Without it every span is a no-op. */
import { trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { TelemetryConfig } from './config.ts';

export interface Tracing {
  /** Sends what is left, then turns tracing off. */
  stop(): Promise<void>;
}

/** More waiting than this is dropped: a collector that is away must cost memory only up to here. */
const MAX_QUEUED_SPANS = 4096;
/** Also how long a shutdown waits for a collector that is away. */
const EXPORT_TIMEOUT_MS = 2_000;

/** @returns undefined where the config names no collector */
export function startTracing(config: TelemetryConfig, processor?: SpanProcessor): Tracing | undefined {
  if (config.otlpEndpoint === '' && processor === undefined) return undefined;
  const ratio = new TraceIdRatioBasedSampler(config.sampleRatio);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': config.serviceName }),
    // The edge presents every remote parent as not sampled, so that the ratio decides there and nowhere else (spans.ts).
    sampler: new ParentBasedSampler({
      root: ratio,
      remoteParentNotSampled: ratio,
      remoteParentSampled: new AlwaysOnSampler(),
    }),
    spanProcessors: [processor ?? batchesTo(config.otlpEndpoint)],
  });
  trace.setGlobalTracerProvider(provider);
  return {
    stop: async () => {
      trace.disable();
      // A collector that is away must not fail the shutdown of what it watches.
      await provider.shutdown().catch(() => {});
    },
  };
}

function batchesTo(endpoint: string): SpanProcessor {
  const exporter = new OTLPTraceExporter({
    url: new URL('v1/traces', endpoint.endsWith('/') ? endpoint : `${endpoint}/`).href,
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
  return new BatchSpanProcessor({ exporter, maxQueueSize: MAX_QUEUED_SPANS, exportTimeoutMillis: EXPORT_TIMEOUT_MS });
}
