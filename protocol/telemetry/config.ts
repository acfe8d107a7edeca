/** Settings of tracing. Metrics need none: they are always served at /metrics. */
import { type Static, Type } from 'typebox';

export const TelemetryConfig = Type.Object(
  {
    otlpEndpoint: Type.Refine(
      Type.String({
        default: '',
        description:
          'Base URL of an OpenTelemetry collector (OTLP over HTTP), such as http://localhost:4318; empty: no traces',
      }),
      (text) => text === '' || isHttpUrl(text),
      () => 'must be an http or https URL such as http://localhost:4318, or empty',
    ),
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

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}

export type TelemetryConfig = Static<typeof TelemetryConfig>;
