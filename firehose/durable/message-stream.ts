/** `GET` and `HEAD /v1/durable/messages`: a client's messages as a stream of the Durable Streams protocol. */
import type { FastifyInstance } from 'fastify';
import type { Firehose } from '../firehose.ts';
import { authorisedHere } from '../http/authorisation.ts';
import { registerDurableRoutes } from './durable-routes.ts';
import { journalStream } from './durable-stream.ts';

const LIVE_MS = 60_000;

export function registerMessageStream(server: FastifyInstance, firehose: Firehose, stopping: AbortSignal): void {
  const authorised = authorisedHere(firehose);
  registerDurableRoutes(server, {
    path: '/v1/durable/messages',
    async streamOf(request) {
      const { client } = (await authorised(request)).claims;
      const { epoch } = firehose.positionContext(client);
      const reader = () => firehose.journals.of(client);
      return journalStream(reader, client, { epoch, contentType: 'application/json', tail: firehose.tail });
    },
    longPollMs: firehose.config.longPollMs,
    liveMs: LIVE_MS,
    stopping,
    now: firehose.now,
  });
}
