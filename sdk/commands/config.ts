/** The config of a deployment: what every role needs, and a part for each role. */
import { type Static, Type } from 'typebox';
import { FirehoseConfig } from '../../firehose/config.ts';
import { GatewayConfig } from '../../gateway/config.ts';
import { IdentityConfig } from '../../gateway/identity/config.ts';
import { BlobSettings } from '../../protocol/blob/settings.ts';
import { HttpSettings } from '../../protocol/http/settings.ts';
import { KafkaSettings } from '../../protocol/log/kafka/settings.ts';
import { TelemetryConfig } from '../../protocol/telemetry/config.ts';
import { PushConfig } from '../../push/config.ts';
import { VisionConfig } from '../../vision/config.ts';
import { SummaryConfig } from '../../vision/summary/config.ts';

/** As browsers send it: anything else would never be equal to what they send. */
const CorsOrigin = Type.Refine(
  Type.String(),
  (text) => text === '*' || isOrigin(text),
  (text) =>
    `must be an origin without a path, such as https://app.example or http://localhost:3000, or *; not '${text}'`,
);

const HOUR = 3_600_000;
const MIB = 1 << 20;

export const SluiceConfig = Type.Object(
  {
    host: Type.String({ default: '127.0.0.1', description: 'Address to listen on; 0.0.0.0 for all' }),
    port: Type.Integer({
      default: 8080,
      minimum: 0,
      maximum: 65535,
      description: 'Port of the HTTP edge; 0 takes a free one',
    }),
    corsOrigins: Type.Array(CorsOrigin, {
      default: [],
      description: 'Origins whose pages may call this edge, separated by commas; * for all',
    }),
    tlsCertFile: Type.String({ default: '', description: 'PEM file of a certificate: serve HTTPS with it' }),
    tlsKeyFile: Type.String({ default: '', description: "PEM file of the certificate's private key" }),
    http: HttpSettings,
    data: Type.String({
      default: './data',
      minLength: 1,
      description: 'Folder of everything that is kept: log, journals, keys',
    }),
    log: Type.Enum(['embedded', 'kafka'], { default: 'embedded', description: 'The log between the services' }),
    logLevel: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], {
      default: 'info',
      description: 'Least severity of log lines (stderr)',
    }),
    progressTimeoutMs: Type.Integer({
      default: 120_000,
      minimum: 1000,
      description:
        'A consumer that finishes nothing for so long, although records wait for it, makes the process not ready',
    }),
    welcome: Type.Boolean({
      default: false,
      description: 'When ready, print ready-made commands with a token to stderr: for development',
    }),
    kafka: KafkaSettings,
    blobs: BlobSettings,
    telemetry: TelemetryConfig,
    topics: Type.Object(
      {
        create: Type.Boolean({ default: true, description: 'Create topics that are missing at start' }),
        partitions: Type.Integer({ default: 8, minimum: 1, description: 'Partitions of ingest-1 and results-1' }),
        replication: Type.Integer({ default: 1, minimum: 1, description: 'Copies of each partition (Kafka)' }),
        resultsRetentionMs: Type.Integer({
          default: 7 * 24 * HOUR,
          description: "How long results-1 keeps records; not shorter than the journal's retention",
        }),
        ingestRetentionMs: Type.Integer({ default: 24 * HOUR, description: 'How long ingest-1 keeps images' }),
        maxImageMessageBytes: Type.Integer({
          default: 8 * MIB,
          description: 'Largest record of ingest-1: an inline image and its envelope',
        }),
      },
      { default: {}, additionalProperties: false, description: 'The shared topics' },
    ),
    identity: IdentityConfig,
    gateway: GatewayConfig,
    firehose: FirehoseConfig,
    vision: VisionConfig,
    summary: SummaryConfig,
    push: PushConfig,
  },
  { additionalProperties: false },
);

/** Schemes that are not of the web have origins too, as those of apps: capacitor://localhost. */
function isOrigin(text: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]+$/.test(text) || !URL.canParse(text)) return false;
  return !/^https?:/.test(text) || new URL(text).origin === text;
}

export type SluiceConfig = Static<typeof SluiceConfig>;
