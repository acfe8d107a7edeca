/** `GET /v1/connections` and `DELETE /v1/connections/{stream}`: who reads from this node, and how to end that. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { Problem } from '../../protocol/http/problem.ts';
import type { Firehose } from '../firehose.ts';
import { clientLimits } from '../limits.ts';
import { mayGoElsewhere } from '../nodes/answer-elsewhere.ts';
import type { Stream } from '../stream/stream.ts';
import { authorisation } from './authorisation.ts';
import { SPEAKS_TO_STREAM } from './route-problems.ts';

const CloseQuery = Type.Object(
  { reason: Type.Optional(Type.String({ maxLength: 200, description: 'Told to the reader in its goodbye' })) },
  { additionalProperties: false },
);

export async function registerConnectionRoutes(server: FastifyInstance, firehose: Firehose): Promise<void> {
  const authorised = authorisation(firehose);

  server.get(
    '/v1/connections',
    { config: SPEAKS_TO_STREAM, schema: { tags: ['firehose'], summary: 'The open streams of the client' } },
    async (request) => {
      const { claims, configuration } = await authorised(request);
      const { operator } = clientLimits(configuration, firehose.config);
      if (!operator) firehose.placement.check(claims.client, mayGoElsewhere(request));
      const streams = operator ? [...firehose.streams.all()] : firehose.streams.of(claims.client);
      return { connections: streams.map((stream) => describe(firehose, stream)) };
    },
  );

  server.delete<{ Params: { stream: string }; Querystring: { reason?: string } }>(
    '/v1/connections/:stream',
    { config: SPEAKS_TO_STREAM, schema: { tags: ['firehose'], summary: 'Close a stream', querystring: CloseQuery } },
    async (request, reply) => {
      const { claims, configuration } = await authorised(request);
      const { operator } = clientLimits(configuration, firehose.config);
      firehose.placement.checkStream(request.params.stream, mayGoElsewhere(request));
      const stream = firehose.streams.get(request.params.stream);
      if (stream === undefined || !(operator || stream.plan.client === claims.client)) {
        throw new Problem('not-found', `This node has no open stream '${request.params.stream}' of yours.`);
      }
      stream.end('closed', 0, request.query.reason ?? `Closed by ${operator ? 'an operator' : 'its client'}.`);
      return reply.code(204).send();
    },
  );
}

function describe(firehose: Firehose, stream: Stream) {
  const { client, consumer, epoch } = stream.plan;
  const { lag } = firehose.standing(client, stream.position);
  return {
    stream: stream.id,
    client,
    consumer: consumer ?? null,
    epoch,
    offset: stream.position,
    lag,
    paused: stream.paused,
    messages: stream.progress.messages,
    bytes: stream.progress.bytes,
    messages_per_second: Math.round(stream.progress.speed * 10) / 10,
  };
}
