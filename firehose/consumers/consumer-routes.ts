/** `/v1/consumers`: named consumers with their checkpoints and exact lag. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Consumer } from '../../protocol/generated/consumer/v1m0/consumer_pb.js';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import { Problem } from '../../protocol/http/problem.ts';
import type { Firehose } from '../firehose.ts';
import { authorisedHere } from '../http/authorisation.ts';
import { KEEPS_POSITION, READS_JOURNAL } from '../http/route-problems.ts';
import { CHOSEN_NAME } from '../request/parse-request.ts';
import { startPosition } from '../request/start-position.ts';
import { notSent } from './acknowledge.ts';

const Params = Type.Object({
  name: Type.String({ pattern: CHOSEN_NAME.source, description: 'Consumer, as its client named it' }),
});
const Checkpoint = Type.Object(
  {
    offset: Type.Integer({ minimum: -1, description: 'Everything up to here has been processed' }),
    epoch: Type.Optional(Type.String({ description: 'Refused where it is not the current one' })),
    stream: Type.Optional(Type.String({ description: 'Refused unless this stream has the consumer now' })),
  },
  { additionalProperties: false },
);

interface Named {
  Params: { name: string };
}

export async function registerConsumerRoutes(server: FastifyInstance, firehose: Firehose): Promise<void> {
  const authorised = authorisedHere(firehose);
  const { consumers } = firehose;

  server.get(
    '/v1/consumers',
    {
      config: READS_JOURNAL,
      schema: { tags: ['consumers'], summary: 'The named consumers of the client, with their lag' },
    },
    async (request) => {
      const { client } = (await authorised(request)).claims;
      return { consumers: consumers.list(client).map((consumer) => describe(firehose, consumer)) };
    },
  );

  server.get<Named>(
    '/v1/consumers/:name',
    {
      config: READS_JOURNAL,
      schema: { tags: ['consumers'], summary: 'A named consumer, with its lag', params: Params },
    },
    async (request) => {
      const { client } = (await authorised(request)).claims;
      const consumer = consumers.get(client, request.params.name);
      if (consumer === undefined) throw new Problem('not-found', `There is no consumer '${request.params.name}'.`);
      return describe(firehose, consumer);
    },
  );

  server.put<Named & { Body: { offset: number; epoch?: string; stream?: string } }>(
    '/v1/consumers/:name',
    {
      config: KEEPS_POSITION,
      schema: { tags: ['consumers'], summary: 'Keep a checkpoint', params: Params, body: Checkpoint },
    },
    async (request) => {
      const { client } = (await authorised(request)).claims;
      const { name } = request.params;
      const { offset, epoch, stream } = request.body;
      const context = firehose.positionContext(client);
      // Refuses other epochs and offsets that do not exist yet; a retired one is where the consumer wants to be.
      await startPosition({ from: { kind: 'offset', epoch, offset }, onGap: 'earliest' }, context);
      const connected = firehose.streams.ofConsumer(client, name);
      if (connected !== undefined && offset > connected.position) throw notSent(offset, connected.position);
      const to = { epoch: context.epoch, offset };
      return describe(firehose, await consumers.checkpoint(client, name, to, stream));
    },
  );

  server.delete<Named>(
    '/v1/consumers/:name',
    { config: KEEPS_POSITION, schema: { tags: ['consumers'], summary: 'Forget a consumer', params: Params } },
    async (request, reply) => {
      const { client } = (await authorised(request)).claims;
      await consumers.remove(client, request.params.name);
      return reply.code(204).send();
    },
  );
}

function describe(firehose: Firehose, { client, name, epoch, offset, checkpointTime, generation }: Consumer) {
  const current = epoch === firehose.journals.epoch;
  const { latest, lag, retentionExpiresInMs } = firehose.standing(client, current ? offset : -1);
  return {
    name,
    epoch,
    offset,
    /** null: the checkpoint is of another epoch, in which its offset means nothing. */
    lag: current ? lag : null,
    latest,
    retention_expires_in_ms: retentionExpiresInMs,
    checkpointed_at: checkpointTime === undefined ? null : Timestamp.toDate(checkpointTime).toISOString(),
    generation,
    stream: firehose.streams.ofConsumer(client, name)?.id ?? null,
  };
}
