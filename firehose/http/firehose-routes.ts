/** `POST /v1/firehose` (with a JSON or a streaming body), `GET /v1/firehose`, `PATCH /v1/firehose/{stream}`. */
import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { Problem } from '../../protocol/http/problem.ts';
import type { Firehose } from '../firehose.ts';
import { clientLimits } from '../limits.ts';
import { mayGoElsewhere } from '../nodes/answer-elsewhere.ts';
import { parseControlMessage } from '../request/control-message.ts';
import { parseStreamRequest } from '../request/parse-request.ts';
import { parseQueryRequest, refuseQuery } from '../request/query-request.ts';
import type { Rate, StreamRequest } from '../request/stream-request.ts';
import type { Stream } from '../stream/stream.ts';
import { arrived, limitArrival } from './arrival.ts';
import { type Authorised, authorisation, authorisedHere } from './authorisation.ts';
import { carryOut } from './control.ts';
import { ControlLines } from './control-lines.ts';
import { openStream } from './open-stream.ts';
import { OPENS_STREAM, SPEAKS_TO_STREAM } from './route-problems.ts';

type Query = Record<string, string | string[] | undefined>;

/** What was asked of a stream when it was opened: a later filter is held against the same shard and limits. */
const terms = new WeakMap<Stream, { readonly limit: Rate; readonly shard: StreamRequest['shard'] }>();

export async function registerFirehoseRoutes(server: FastifyInstance, firehose: Firehose): Promise<void> {
  const authorised = authorisation(firehose);
  const here = authorisedHere(firehose);
  server.addHook('onRequest', async (request) => limitArrival(request, firehose.config.requestTimeoutMs));

  // A scope of its own: no other route knows what to do with a body that goes on.
  await server.register(async (scope) => {
    scope.addContentTypeParser(['application/x-ndjson', 'application/ndjson'], (_request, payload, done) => {
      done(null, payload);
    });
    scope.post(
      '/v1/firehose',
      { config: OPENS_STREAM, schema: { tags: ['firehose'], summary: 'Open a stream of messages' } },
      async (request, reply) => {
        const caller = await here(request);
        refuseQuery(request.query);
        const body = request.body as unknown;
        if (!isReadable(body)) {
          const wanted = parseStreamRequest(body);
          remember(firehose, await openStream(firehose, request, reply, caller, wanted), caller, wanted);
          return reply;
        }
        const lines = new ControlLines(body);
        const wanted = parseStreamRequest(await lines.next());
        arrived(request);
        const stream = await openStream(firehose, request, reply, caller, wanted);
        remember(firehose, stream, caller, wanted);
        void listen(firehose, stream, lines);
        return reply;
      },
    );
  });

  server.get<{ Querystring: Query }>(
    '/v1/firehose',
    {
      config: OPENS_STREAM,
      schema: { tags: ['firehose'], summary: 'Open a stream of messages, asked for in the query' },
    },
    async (request, reply) => {
      const caller = await here(request);
      const lastEventId = request.headers['last-event-id'];
      const wanted = parseQueryRequest(request.query, typeof lastEventId === 'string' ? lastEventId : undefined);
      remember(firehose, await openStream(firehose, request, reply, caller, wanted), caller, wanted);
      return reply;
    },
  );

  server.patch<{ Params: { stream: string } }>(
    '/v1/firehose/:stream',
    {
      config: SPEAKS_TO_STREAM,
      schema: { tags: ['firehose'], summary: 'Say something to an open stream: pause, resume, pace, filter, ack' },
    },
    async (request) => {
      const { claims } = await authorised(request);
      firehose.placement.checkStream(request.params.stream, mayGoElsewhere(request));
      const stream = firehose.streams.get(request.params.stream);
      if (stream === undefined || stream.plan.client !== claims.client) {
        throw new Problem('not-found', `This node has no open stream '${request.params.stream}' of yours.`);
      }
      const message = parseControlMessage(request.body);
      const { limit, shard } = terms.get(stream)!;
      return carryOut(firehose, stream, message, limit, shard);
    },
  );
}

function remember(firehose: Firehose, stream: Stream, { configuration }: Authorised, { shard }: StreamRequest): void {
  terms.set(stream, { limit: clientLimits(configuration, firehose.config).rate, shard });
}

/** Carries out the lines of an open body. What is not understood ends the stream: the client is not what it seems. */
async function listen(firehose: Firehose, stream: Stream, lines: ControlLines): Promise<void> {
  const { limit, shard } = terms.get(stream)!;
  try {
    for (;;) {
      const line = await lines.next();
      if (line === undefined) return;
      await carryOut(firehose, stream, parseControlMessage(line), limit, shard);
    }
  } catch (error) {
    if (error instanceof Problem) stream.end('bad_control', 0, error.message);
    // Otherwise the connection broke: the stream hears of that by itself.
  }
}

function isReadable(body: unknown): body is Readable {
  return typeof body === 'object' && body !== null && 'pipe' in body;
}
