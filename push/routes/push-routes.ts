/**
 * What a client may ask of the delivery of its webhook: how it stands, from which offset it goes on, and its dead letters.
 *
 * The webhook meant is the one that the caller's token names in `push-1`, and nobody else's is visible.
 */
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { authorise, type Caller } from '../../protocol/http/bearer.ts';
import type { RouteProblems } from '../../protocol/http/openapi.ts';
import { Problem } from '../../protocol/http/problem.ts';
import { PUSH_SERVICE, PUSH_VERSION, readPushGrant } from '../../protocol/webhook/grant.ts';
import type { Directory } from '../deliver/directory.ts';
import type { EndpointWorker } from '../deliver/endpoint-worker.ts';
import { endpointKey } from '../endpoint.ts';
import type { DeadLetter, DeliveryStore } from '../store/delivery-store.ts';

export interface RouteDependencies {
  readonly directory: Directory;
  readonly store: DeliveryStore;
  readonly verifier: TokenVerifier;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const PAGE_LIMIT = 100;

const ResumeBody = Type.Object(
  {
    offset: Type.Integer({
      minimum: -1,
      description: 'The last offset that was processed, by whichever way it came: pushing goes on after it',
    }),
    epoch: Type.Optional(Type.String({ description: 'The epoch of the offset: refused where it is another' })),
  },
  { additionalProperties: false },
);
const ReplayAnswer = Type.Object({
  replaying: Type.Integer({ description: 'How many dead letters are being pushed again' }),
});
const ReplayBody = Type.Object(
  { since: Type.String({ format: 'date-time', description: 'Dead letters set aside at or after this moment' }) },
  { additionalProperties: false },
);
const LettersQuery = Type.Object(
  {
    after: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$', description: 'The `id` of the last one seen' })),
    limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]?|100)$', description: 'At most 100, the default' })),
  },
  { additionalProperties: false },
);
const LetterParams = Type.Object({ id: Type.String({ pattern: '^[1-9][0-9]{0,14}$' }) });

/** What may go wrong with a client's deliveries. */
const DELIVERY: RouteProblems = { problems: ['not-found', 'unavailable'] };
const RESUMES: RouteProblems = {
  problems: ['not-found', 'wrong-epoch', 'offset-retired', 'offset-ahead', 'unavailable'],
};

export function pushRoutes(to: RouteDependencies): FastifyPluginAsync {
  return async (server: FastifyInstance) => {
    server.get(
      '/v1/webhook/delivery',
      { config: DELIVERY, schema: { tags: ['webhook'], summary: 'How deliveries stand' } },
      async (request) => {
        const caller = await authorised(request, to);
        const { failingSince, nextTry, after, inFlight, ...rest } = workerOf(caller, to).status();
        return {
          ...rest,
          in_flight: inFlight,
          position: { epoch: to.directory.epoch, offset: after },
          dead_letters: to.store.deadLetterCount(caller.claims.client),
          ...(failingSince !== undefined && { failing_since: new Date(failingSince).toISOString() }),
          ...(nextTry !== undefined && { next_try: new Date(nextTry).toISOString() }),
        };
      },
    );

    server.post<{ Body: Type.Static<typeof ResumeBody> }>(
      '/v1/webhook/resume',
      { config: RESUMES, schema: { tags: ['webhook'], summary: 'Go on at another position', body: ResumeBody } },
      async (request) => {
        const caller = await authorised(request, to);
        const worker = workerOf(caller, to);
        const { offset, epoch = to.directory.epoch } = request.body;
        checkPosition(worker, { offset, epoch }, to);
        await worker.moveTo(offset);
        return { position: { epoch, offset } };
      },
    );

    server.get<{ Querystring: Type.Static<typeof LettersQuery> }>(
      '/v1/webhook/dead-letters',
      {
        config: DELIVERY,
        schema: { tags: ['webhook'], summary: 'Deliveries that were given up', querystring: LettersQuery },
      },
      async (request) => {
        const caller = await authorised(request, to);
        const { after = 0, limit = PAGE_LIMIT } = request.query;
        const page = { after: Number(after), limit: Number(limit) };
        const letters = to.store.deadLetters(caller.claims.client, page);
        return { dead_letters: letters.map(letterJson), more: letters.length === page.limit };
      },
    );

    server.post<{ Params: Type.Static<typeof LetterParams> }>(
      '/v1/webhook/dead-letters/:id/replay',
      {
        config: DELIVERY,
        schema: {
          tags: ['webhook'],
          summary: 'Deliver one again that was given up',
          params: LetterParams,
          response: { 202: ReplayAnswer },
        },
      },
      async (request, reply) => {
        const caller = await authorised(request, to);
        const endpoint = to.store.replayOne(caller.claims.client, Number(request.params.id));
        if (endpoint === undefined) throw new Problem('not-found', 'There is no such dead letter.');
        to.directory.worker(endpoint)?.replay();
        return reply.code(202).send({ replaying: 1 });
      },
    );

    server.post<{ Body: Type.Static<typeof ReplayBody> }>(
      '/v1/webhook/dead-letters/replay',
      {
        config: DELIVERY,
        schema: {
          tags: ['webhook'],
          summary: 'Deliver again what was given up since a moment',
          body: ReplayBody,
          response: { 202: ReplayAnswer },
        },
      },
      async (request, reply) => {
        const caller = await authorised(request, to);
        const counts = to.store.replaySince(caller.claims.client, Date.parse(request.body.since));
        for (const endpoint of counts.keys()) to.directory.worker(endpoint)?.replay();
        const replaying = [...counts.values()].reduce((sum, count) => sum + count, 0);
        return reply.code(202).send({ replaying });
      },
    );
  };
}

/** The caller, if it is this process that pushes for it. */
async function authorised(request: FastifyRequest, to: RouteDependencies): Promise<Caller> {
  const { directory, verifier, now } = to;
  const caller = await authorise(request.headers, verifier, { service: PUSH_SERVICE, version: PUSH_VERSION }, now());
  if (directory.epoch === undefined)
    throw new Problem('unavailable', 'The push journals are being opened.', { retryAfterSeconds: 1 });
  if (!directory.pushesFor(caller.claims.client))
    throw new Problem('unavailable', 'Another push process has the webhook of this client.', { retryAfterSeconds: 1 });
  return caller;
}

function workerOf(caller: Caller, { directory }: RouteDependencies): EndpointWorker {
  const grant = readPushGrant(caller.configuration);
  if (grant === undefined)
    throw new Problem('not-found', 'The token names no webhook. Set one with PUT /v1/webhook and get a new token.');
  const worker = directory.worker(endpointKey(caller.claims.client, grant.url));
  if (worker === undefined) throw new Problem('not-found', 'Nothing has been pushed to this webhook yet.');
  return worker;
}

function checkPosition(
  worker: EndpointWorker,
  { offset, epoch }: { offset: number; epoch: string | undefined },
  { directory }: RouteDependencies,
): void {
  if (epoch !== directory.epoch)
    throw new Problem('wrong-epoch', 'The offset belongs to another incarnation of the log.', {
      members: { epoch: directory.epoch },
    });
  const bounds = directory.bounds(worker.endpoint.partition);
  if (bounds === undefined)
    throw new Problem('unavailable', 'The push journal is being opened.', { retryAfterSeconds: 1 });
  const { earliest, end } = bounds;
  if (offset >= end)
    throw new Problem('offset-ahead', 'The offset lies in the future.', { members: { latest: end - 1 } });
  if (offset + 1 < earliest)
    throw new Problem('offset-retired', 'Messages after the offset are not held any more.', { members: { earliest } });
}

function letterJson(letter: DeadLetter): object {
  const { id, epoch, offset, messageId, type, transaction, time, died, attempts, cause, replay } = letter;
  return {
    id,
    position: { epoch, offset },
    message_id: messageId,
    type,
    transaction,
    time: new Date(time).toISOString(),
    died: new Date(died).toISOString(),
    attempts,
    cause,
    replaying: replay,
  };
}
