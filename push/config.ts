/** Settings of the push role. */
import { type Static, Type } from 'typebox';
import { ASIDE_SETTINGS } from '../journal/aside-settings.ts';
import { STANDARD_SCHEDULE } from './machines/retry-schedule.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const MIB = 1 << 20;

export const PushConfig = Type.Object(
  {
    allowLoopback: Type.Boolean({
      default: false,
      description: 'Development only: push to http and https URLs on this machine',
    }),
    partitions: Type.Array(Type.Integer({ minimum: 0 }), {
      default: [],
      description: 'Partitions of results-1 that this process pushes, one process for each; empty: all',
    }),
    groupMs: Type.Integer({
      default: 10 * SECOND,
      minimum: 10,
      description: 'How often it is stored how far each endpoint has got: what a crash may push again',
    }),
    groupMessages: Type.Integer({
      default: 5_000,
      minimum: 1,
      description: 'It is also stored after this many messages, over all endpoints',
    }),
    retryScheduleMs: Type.Array(Type.Integer({ minimum: 0 }), {
      default: [...STANDARD_SCHEDULE],
      description: 'Pauses between the tries of one message; after the last try it is a dead letter',
    }),
    maxRetryAfterMs: Type.Integer({
      default: HOUR,
      minimum: 0,
      description: "Longest pause that a receiver's Retry-After is followed for",
    }),
    connectTimeoutMs: Type.Integer({ default: 5 * SECOND, minimum: 1, description: 'How long connecting may take' }),
    requestTimeoutMs: Type.Integer({
      default: 15 * SECOND,
      minimum: 1,
      description: 'How long a request may take, from sending to the end of the answer',
    }),
    maxResponseBytes: Type.Integer({
      default: 16 * 1024,
      minimum: 0,
      description: 'Most that is read of an answer; its body is not used',
    }),
    concurrency: Type.Object(
      {
        start: Type.Integer({ default: 1, minimum: 1, description: 'Requests under way to an endpoint at first' }),
        most: Type.Integer({ default: 32, minimum: 1, description: 'Most requests under way to one endpoint' }),
        shared: Type.Integer({
          default: 1_024,
          minimum: 2,
          description:
            'Most requests under way beyond the first of each endpoint, over all of them; while this process has no time to spare they are fewer',
        }),
      },
      { default: {}, additionalProperties: false, description: 'Adapts to what each endpoint takes' },
    ),
    batch: Type.Object(
      {
        messages: Type.Integer({ default: 100, minimum: 1, description: 'Most messages in a request of mode batch' }),
        bytes: Type.Integer({ default: MIB, minimum: 1, description: 'Most bytes of such a request, roughly' }),
        waitMs: Type.Integer({
          default: 1_000,
          minimum: 0,
          description: 'How long a batch, or the word that there is something new, waits for more',
        }),
      },
      { default: {}, additionalProperties: false, description: 'The modes batch and thin' },
    ),
    breaker: Type.Object(
      {
        windowMs: Type.Integer({ default: 5 * MINUTE, minimum: 30, description: 'How far back failures count' }),
        minRequests: Type.Integer({ default: 10, minimum: 1, description: 'Fewer requests never open it' }),
        failureRatio: Type.Number({ default: 0.7, minimum: 0, maximum: 1, description: 'From which on it opens' }),
        openMs: Type.Integer({ default: 30 * SECOND, minimum: 1, description: 'First time open; doubles each time' }),
        maxOpenMs: Type.Integer({ default: HOUR, minimum: 1, description: 'Longest time between probes' }),
      },
      { default: {}, additionalProperties: false, description: 'The circuit breaker of each endpoint' },
    ),
    parkAfterMs: Type.Integer({
      default: 5 * MINUTE,
      minimum: 0,
      description: 'An endpoint that fails for longer is parked, and its client told on the firehose',
    }),
    disableAfterMs: Type.Integer({
      default: 120 * HOUR,
      minimum: 0,
      description: 'An endpoint that fails for longer is disabled, and its client told',
    }),
    maxUnfinished: Type.Integer({
      default: 10_000,
      minimum: 1,
      description: 'Messages of an endpoint that may wait for a try while later ones are pushed',
    }),
    deadLetterRetentionMs: Type.Integer({
      default: 30 * 24 * HOUR,
      minimum: 0,
      description: 'How long dead letters are kept',
    }),
    journal: Type.Object(
      {
        retentionMs: Type.Integer({ default: 7 * 24 * HOUR, description: 'How long messages can be pushed again' }),
        volumeSpanMs: Type.Integer({ default: 24 * HOUR, description: 'Age at which a new journal volume is begun' }),
        ...ASIDE_SETTINGS,
      },
      { default: {}, additionalProperties: false, description: "Push's own journal" },
    ),
    tls: Type.Object(
      {
        caFile: Type.String({ default: '', description: 'PEM file of further authorities to trust' }),
        certFile: Type.String({
          default: '',
          description: 'PEM file of our certificate, for receivers that ask for one',
        }),
        keyFile: Type.String({ default: '', description: 'PEM file of its private key' }),
      },
      { default: {}, additionalProperties: false, description: 'TLS towards receivers' },
    ),
  },
  { default: {}, additionalProperties: false, description: 'Webhooks' },
);
export type PushConfig = Static<typeof PushConfig>;
