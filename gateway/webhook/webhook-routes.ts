/** `PUT|GET|DELETE /v1/webhook`: a client opts into being pushed to, sees what it opted into, and opts out. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import type { SealedSecret, Webhook } from '../../protocol/generated/push/v1m0/push_pb.js';
import { authorise } from '../../protocol/http/bearer.ts';
import { Problem } from '../../protocol/http/problem.ts';
import { LogUnavailableError } from '../../protocol/log/errors.ts';
import { EVENT_TYPE_PATTERN, modeName, modeNamed, PUSH_SERVICE, PUSH_VERSION } from '../../protocol/webhook/grant.ts';
import { newSecret, type SealingKeys, sealSecret } from '../../protocol/webhook/sealing.ts';
import { checkTarget, TargetRefused } from '../../protocol/webhook/target.ts';
import type { WebhookConfig } from './config.ts';
import { HandshakeRefused, handshake } from './handshake.ts';
import type { Webhooks } from './webhooks.ts';

export interface WebhookDependencies {
  readonly webhooks: Webhooks;
  readonly sealingKeys: SealingKeys;
  readonly verifier: TokenVerifier;
  readonly retryAfterSeconds: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const PutBody = Type.Object(
  {
    url: Type.String({ description: 'Where to push: https. It is asked for its consent with OPTIONS' }),
    types: Type.Optional(
      Type.Array(Type.String({ pattern: EVENT_TYPE_PATTERN, maxLength: 200 }), {
        maxItems: 50,
        description: 'Event types to push, such as "ocr.v1m0.TextLine" or "ocr.*"; all where it is absent or empty',
      }),
    ),
    mode: Type.Optional(
      Type.Enum(['full', 'batch', 'thin'], {
        description: 'A request for each message (the default), for several, or only word that there is something new',
      }),
    ),
    max_rate: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, maximum: 100_000, description: 'Most requests per second' }),
    ),
    rotate_secret: Type.Optional(
      Type.Boolean({ description: 'Make a new secret; the old one signs beside it for a while' }),
    ),
  },
  { additionalProperties: false },
);

export async function registerWebhook(
  server: FastifyInstance,
  to: WebhookDependencies,
  config: WebhookConfig,
): Promise<void> {
  server.put<{ Body: Static<typeof PutBody> }>(
    '/v1/webhook',
    {
      config: { problems: ['webhook-not-verified', 'unavailable'] },
      schema: { tags: ['webhook'], summary: 'Set the webhook', body: PutBody },
    },
    async (request, reply) => {
      const client = await clientOf(request, to);
      const { url, types = [], mode = 'full', max_rate = 0, rotate_secret = false } = request.body;
      const target = checked(url, config);
      const allowed = await consented(target, max_rate, config);
      const now = to.now();
      const known = to.webhooks.get(client);
      const secret = known === undefined || rotate_secret ? newSecret() : undefined;
      const webhook: Webhook = {
        url: target.href,
        types: [...types],
        mode: modeNamed(mode),
        maxRate: lesser(max_rate, allowed),
        secrets: await secrets(known, secret, client, now, to, config),
        verified: timestamp(now),
        changed: timestamp(now),
      };
      await save(client, webhook, to);
      return reply
        .code(known === undefined ? 201 : 200)
        .header('cache-control', 'no-store')
        .send({ ...representation(webhook, now), ...(secret !== undefined && { secret }) });
    },
  );

  server.get(
    '/v1/webhook',
    { config: { problems: ['not-found'] }, schema: { tags: ['webhook'], summary: 'The webhook' } },
    async (request) => {
      const webhook = to.webhooks.get(await clientOf(request, to));
      if (webhook === undefined) throw none();
      return representation(webhook, to.now());
    },
  );

  server.delete(
    '/v1/webhook',
    {
      config: { problems: ['not-found', 'unavailable'] },
      schema: { tags: ['webhook'], summary: 'Remove the webhook' },
    },
    async (request, reply) => {
      const client = await clientOf(request, to);
      if (to.webhooks.get(client) === undefined) throw none();
      await save(client, undefined, to);
      return reply.code(204).send();
    },
  );
}

async function clientOf(request: FastifyRequest, { verifier, now }: WebhookDependencies): Promise<string> {
  const required = { service: PUSH_SERVICE, version: PUSH_VERSION };
  return (await authorise(request.headers, verifier, required, now())).claims.client;
}

function checked(url: string, config: WebhookConfig): URL {
  try {
    return checkTarget(url, config);
  } catch (error) {
    if (!(error instanceof TargetRefused)) throw error;
    throw new Problem('invalid-request', `/url: ${error.message}`, {
      members: { errors: [{ field: '/url', detail: error.message }] },
      cause: error,
    });
  }
}

async function consented(url: URL, rate: number, config: WebhookConfig): Promise<number> {
  const { allowLoopback, origin, handshakeTimeoutMs: timeoutMs } = config;
  try {
    return await handshake({ url, origin, rate, timeoutMs }, { allowLoopback, connectTimeoutMs: timeoutMs });
  } catch (error) {
    if (!(error instanceof HandshakeRefused)) throw error;
    throw new Problem('webhook-not-verified', `Nothing was changed: ${error.message}.`, { cause: error });
  }
}

/** The secrets from now on: the newest first, those that have retired left out. */
async function secrets(
  known: Webhook | undefined,
  secret: string | undefined,
  client: string,
  now: number,
  { sealingKeys }: WebhookDependencies,
  { secretOverlapMs }: WebhookConfig,
): Promise<SealedSecret[]> {
  const kept = (known?.secrets ?? []).filter(
    ({ retires }) => retires === undefined || Timestamp.toDate(retires).getTime() > now,
  );
  if (secret === undefined) return kept;
  const sealed = await sealSecret(sealingKeys, client, secret);
  // A second rotation within the overlap ends the first: two at a time are enough to carry and to verify.
  const old = kept.slice(0, 1).map((it) => ({ ...it, retires: it.retires ?? timestamp(now + secretOverlapMs) }));
  return [{ sealed, created: timestamp(now) }, ...old];
}

async function save(client: string, webhook: Webhook | undefined, to: WebhookDependencies): Promise<void> {
  try {
    await to.webhooks.set(client, webhook);
  } catch (error) {
    if (!(error instanceof LogUnavailableError)) throw error;
    throw new Problem('unavailable', 'The log cannot acknowledge the change now.', {
      retryAfterSeconds: to.retryAfterSeconds,
      cause: error,
    });
  }
}

function representation(webhook: Webhook, now: number): object {
  const { url, types, mode, maxRate, verified, changed } = webhook;
  return {
    url,
    types,
    mode: modeName(mode),
    max_rate: maxRate === 0 ? null : maxRate,
    verified: iso(verified),
    changed: iso(changed),
    secrets: webhook.secrets
      .filter(({ retires }) => retires === undefined || Timestamp.toDate(retires).getTime() > now)
      .map(({ created, retires }) => ({ created: iso(created), retires: iso(retires) })),
  };
}

/** The lower of two limits, where 0 is none. */
function lesser(a: number, b: number): number {
  return a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b);
}

function timestamp(time: number): Timestamp {
  return Timestamp.fromDate(new Date(time));
}

function iso(time: Timestamp | undefined): string | null {
  return time === undefined ? null : Timestamp.toDate(time).toISOString();
}

function none(): Problem {
  return new Problem('not-found', 'You have no webhook. Set one with PUT /v1/webhook.');
}
