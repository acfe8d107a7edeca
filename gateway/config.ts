/** Settings of the gateway role. */
import { type Static, Type } from 'typebox';
import { WebhookConfig } from './webhook/config.ts';

const MIB = 1 << 20;

export const GatewayConfig = Type.Object(
  {
    maxImageBytes: Type.Integer({
      default: 16 * MIB,
      minimum: 1,
      description: 'Largest encoded image; larger ones are answered 413',
    }),
    maxInlineImageBytes: Type.Integer({
      default: 4 * MIB,
      minimum: 0,
      description:
        'Images up to this size travel on the log, larger ones through the blob store; with its envelope an image must fit into topics.maxImageMessageBytes',
    }),
    maxImagePixels: Type.Integer({ default: 50_000_000, minimum: 1, description: 'Most pixels (width × height)' }),
    maxImagesPerRequest: Type.Integer({ default: 16, minimum: 1, description: 'Most images in one multipart request' }),
    maxRequestBytes: Type.Integer({
      default: 64 * MIB,
      minimum: 1,
      description: 'Most bytes of images in one request',
    }),
    maxRequestsInFlightPerClient: Type.Integer({
      default: 32,
      minimum: 1,
      description: 'Submissions of one client being taken in at once; more are answered 429',
    }),
    maxBytesInFlight: Type.Integer({
      default: 512 * MIB,
      minimum: 1,
      description: 'Bytes of all submissions being taken in at once; more are answered 503',
    }),
    requestsPerSecondPerClient: Type.Integer({
      default: 500,
      minimum: 1,
      description: 'Submissions a second of a client that has no limit of its own, on average over 10 s; more: 429',
    }),
    maxWaitSeconds: Type.Number({
      default: 30,
      exclusiveMinimum: 0,
      description: 'How long an image may have to wait for a vision service that it is for; beyond it: 503',
    }),
    maxJournalWaitSeconds: Type.Number({
      default: 30,
      exclusiveMinimum: 0,
      description: 'How long a result may have to wait for the journal that its client reads; beyond it: 503',
    }),
    maxPushWaitSeconds: Type.Number({
      default: 60,
      exclusiveMinimum: 0,
      description: 'How long a result may have to wait until push has it, for clients with a webhook; beyond it: 503',
    }),
    forgetServiceAfterMs: Type.Integer({
      default: 600_000,
      minimum: 10_000,
      description: 'A service that has reported nothing for so long keeps nobody out any more',
    }),
    idempotencyRetentionMs: Type.Integer({
      default: 7 * 24 * 3_600_000,
      minimum: 1000,
      description: 'How long a submission is remembered by its Idempotency-Key',
    }),
    retryAfterSeconds: Type.Integer({
      default: 5,
      minimum: 1,
      description: 'What Retry-After says when the log cannot acknowledge',
    }),
    webhook: WebhookConfig,
  },
  { default: {}, additionalProperties: false, description: 'The HTTP edge that takes images in' },
);
export type GatewayConfig = Static<typeof GatewayConfig>;
