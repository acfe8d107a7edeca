/** Settings of tracing. Metrics need none: they are always served at /metrics. */
import { type Static, Type } from 'typebox';

export const TelemetryConfig = Type.Object(
  {
    otlpEndpoint: Type.String({
      default: '',
      description:
        'Base URL of an OpenTelemetry collector (OTLP over HTTP), such as http://localhost:4318; empty: no traces',
    }),
    sampleRatio: Type.Number({
      default: 0.01,
      minimum: 0,
      maximum: 1,
      description: 'Share of submissions that are traced, decided once at the edge',
    }),
    serviceName: Type.String({ default: 'sluice', description: 'service.name of the traces' }),
  },
  { default: {}, additionalProperties: false, description: 'Traces' },
);
export type TelemetryConfig = Static<typeof TelemetryConfig>;
