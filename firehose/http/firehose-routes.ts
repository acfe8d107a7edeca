/** `POST /v1/firehose` and `GET /v1/firehose`: from a request to an open stream. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { authorise, type Caller } from '../../protocol/http/bearer.ts';
import { newMessageId } from '../../protocol/message-id.ts';
import type { Firehose } from '../firehose.ts';
import { ndjson } from '../format/ndjson.ts';
import { parseStreamRequest } from '../request/parse-request.ts';
import { parseQueryRequest } from '../request/query-request.ts';
import { startPosition, untilOffset } from '../request/start-position.ts';
import type { Filter, StreamRequest } from '../request/stream-request.ts';
import { journalSource } from '../stream/source.ts';
import { Stream } from '../stream/stream.ts';
import { SocketSink } from './socket-sink.ts';

export const FIREHOSE_GRANT = { service: 'firehose', version: { major: 1, minor: 0 } };

type Query = Record<string, string | string[] | undefined>;

export async function registerFirehoseRoutes(server: FastifyInstance, firehose: Firehose): Promise<void> {
  const authorised = (request: FastifyRequest) =>
    authorise(request.headers, firehose.verifier, FIREHOSE_GRANT, firehose.now());

  server.post('/v1/firehose', async (request, reply) => {
    const caller = await authorised(request);
    await open(firehose, request, reply, caller, parseStreamRequest(request.body));
    return reply;
  });

  server.get<{ Querystring: Query }>('/v1/firehose', async (request, reply) => {
    const caller = await authorised(request);
    const lastEventId = request.headers['last-event-id'];
    const wanted = parseQueryRequest(request.query, typeof lastEventId === 'string' ? lastEventId : undefined);
    await open(firehose, request, reply, caller, wanted);
    return reply;
  });
}

async function open(
  firehose: Firehose,
  request: FastifyRequest,
  reply: FastifyReply,
  { claims }: Caller,
  wanted: StreamRequest,
): Promise<void> {
  const { client } = claims;
  const context = firehose.positionContext(client);
  const { after, gap } = await startPosition(wanted, context);
  const until = untilOffset(wanted, context);
  const format = ndjson;
  const plan = {
    client,
    epoch: context.epoch,
    after,
    until,
    follow: wanted.follow,
    heartbeatMs: wanted.heartbeatMs ?? firehose.config.heartbeatMs,
    expiresAt: claims.expiresAt,
  };
  const journal = () => firehose.journals.of(client);
  const latest = journal().head(client);
  const earliest = journal().earliest(client);

  reply.hijack();
  const sink = new SocketSink(request.raw.socket, request.raw.httpVersion, {
    'content-type': format.mediaType,
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  const stream = new Stream(newMessageId(firehose.now()), plan, {
    ...firehose.streamDependencies(client),
    source: journalSource(journal, client, entryFilter(wanted.filter)),
    format,
    sink,
  });
  firehose.streams.add(stream);
  stream.start({
    kind: 'hello',
    stream: stream.id,
    epoch: plan.epoch,
    offset: after,
    ...(gap !== undefined && { gap }),
    earliest,
    latest,
    rate: { messages: null, bytes: null },
    heartbeat_ms: plan.heartbeatMs,
  });
}

function entryFilter({ types, transactions, labels, minConfidence }: Filter) {
  if (types === undefined && transactions === undefined && labels === undefined && minConfidence === undefined) {
    return undefined;
  }
  return {
    ...(types !== undefined && { types }),
    ...(transactions !== undefined && { transactions }),
    ...(labels !== undefined && { labels }),
    ...(minConfidence !== undefined && { minConfidence }),
  };
}
