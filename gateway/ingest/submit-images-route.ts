/**
 * `POST /v1/transactions/{id}/images`: takes images in and answers 202 when the log has them.
 *
 * The order is the order of cost: token, rate, load, place, declared size; only then is the body asked for and read.
 */
import multipart from '@fastify/multipart';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { authoriseEach } from '../../protocol/http/authorise-each.ts';
import { brokeOff } from '../../protocol/http/client-errors.ts';
import { Problem } from '../../protocol/http/problem.ts';
import { wantBody } from '../../protocol/http/request-body.ts';
import { ACCEPTED_IMAGES } from '../images/image-kind.ts';
import type { Admission } from '../load/admission.ts';
import type { ClientLimits } from '../load/client-limits.ts';
import { demandsOf } from '../load/demand.ts';
import { TransactionParams } from '../transactions/transaction-params.ts';
import type { InFlight } from './in-flight.ts';
import { INGEST_GRANT } from './ingest-grant.ts';
import { expectedBytes } from './read-body.ts';
import { type SubmitRequest, type TakeInDependencies, takeIn } from './take-in.ts';

export interface SubmitImagesDependencies extends TakeInDependencies {
  readonly verifier: TokenVerifier;
  readonly inFlight: InFlight;
  readonly admission: Admission;
  readonly clientLimits: ClientLimits;
}

const RAW_TYPES = [...ACCEPTED_IMAGES, 'image/jpg', 'application/octet-stream'];
const ACCEPTED_TYPES = [...ACCEPTED_IMAGES, 'application/octet-stream', 'multipart/form-data'];
/** Long enough for the bursts of an even client, short enough to have forgotten them soon. */
const RATE_WINDOW_MS = 10_000;

const PROBLEMS = [
  'digest-mismatch',
  'idempotency-required',
  'idempotency-conflict',
  'idempotency-in-progress',
  'invalid-image',
  'image-too-large',
  'rate-limited',
  'overloaded',
  'unavailable',
] as const;

const Query = Type.Object(
  { name: Type.Optional(Type.String({ maxLength: 255, description: 'File name of a raw body, for people' })) },
  { additionalProperties: false },
);
const Headers = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{1,255}$',
      title: '1 to 255 visible ASCII characters, none of them a blank',
      description:
        'Names this submission: sent again under the same key it is taken in once. Best is a UUIDv7: it is recognised by every gateway for as long as results are kept. Any other key is so on the day of the submission (UTC), and for 7 days by the gateway that took it in, which alone answers 409 to other content.',
    }),
  ),
});
const Answer = Type.Object({
  transaction: Type.String(),
  images: Type.Array(
    Type.Object({
      image: Type.String({ description: 'Names the image in everything that is said of it' }),
      name: Type.String(),
      media_type: Type.String({ description: 'As found in the content' }),
      width: Type.Integer(),
      height: Type.Integer(),
      size: Type.Integer({ description: 'Bytes' }),
    }),
  ),
});

export async function registerSubmitImages(server: FastifyInstance, to: SubmitImagesDependencies): Promise<void> {
  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    await scope.register(multipart);
    // The body stays a stream: it is read by the handler, within its limits.
    scope.addContentTypeParser(RAW_TYPES, (_request, payload, done) => done(null, payload));
    scope.addContentTypeParser('*', (request, _payload, done) => done(unsupported(request)));

    const callerOf = authoriseEach(scope, to.verifier, INGEST_GRANT, to.now);
    await scope.register(rateLimit, {
      hook: 'preParsing',
      keyGenerator: (request) => callerOf(request).claims.client,
      max: (_request, client) => to.clientLimits.requestsPerSecond(client) * (RATE_WINDOW_MS / 1000),
      timeWindow: RATE_WINDOW_MS,
      enableDraftSpec: true,
      errorResponseBuilder: (_request, { max, ttl }) =>
        new Problem('rate-limited', `More than ${max} submissions in ${RATE_WINDOW_MS / 1000} s.`, {
          retryAfterSeconds: Math.ceil(ttl / 1000),
        }),
    });
    scope.addHook('onError', async ({ raw }, _reply, error: Error) => {
      if (error instanceof Problem) to.metrics.refused(error.key);
      else to.metrics.refused(brokeOff(raw) ? 'request-timeout' : 'other');
    });
    scope.addHook('onResponse', async (_request, reply) => to.metrics.answered(reply.elapsedTime / 1000));

    scope.post<SubmitRequest>(
      '/v1/transactions/:id/images',
      {
        config: { readsBody: true, problems: PROBLEMS },
        schema: {
          summary: 'Submit images',
          description: 'One image as the body, or several as the files of a form. 202 when they are durable.',
          tags: ['transactions'],
          consumes: ACCEPTED_TYPES,
          params: TransactionParams,
          querystring: Query,
          headers: Headers,
          response: { 202: Answer },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const { client, grants } = caller.claims;
        if (request.body == null && !request.isMultipart()) throw unsupported(request);
        const demands = demandsOf(grants);
        to.admission.check(demands, to.now());
        const places = to.clientLimits.requestsInFlight(client);
        const leave = to.inFlight.enter(client, expectedBytes(request, to.limits), places);
        try {
          wantBody(request);
          const { receipt, repeated } = await takeIn(to, caller, request);
          if (repeated) reply.header('idempotency-replayed', 'true');
          else to.admission.accepted(demands, receipt.images.length, to.now());
          return reply.code(202).header('location', `/v1/transactions/${request.params.id}`).send(receipt);
        } finally {
          leave();
        }
      },
    );
  });
}

function unsupported(request: FastifyRequest): Problem {
  const sent = request.headers['content-type'];
  const detail = sent === undefined ? 'the header is missing' : `'${sent}' is not accepted`;
  return new Problem('unsupported-media-type', `Content-Type: ${detail}. Accepted: ${ACCEPTED_TYPES.join(', ')}.`, {
    members: { accepted: ACCEPTED_TYPES, errors: [{ field: 'header/content-type', detail }] },
  });
}
