/** From an understood request to an open stream: position, room, consumer, head of the response, hello. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GrantedRate } from '../../protocol/frames.ts';
import type { Caller } from '../../protocol/http/bearer.ts';
import { newMessageId } from '../../protocol/message-id.ts';
import { wantedSource } from '../filter/wanted.ts';
import type { Firehose } from '../firehose.ts';
import { clientLimits } from '../limits.ts';
import { streamId } from '../nodes/placement.ts';
import { plannedEnd, startPosition } from '../request/start-position.ts';
import type { From, Rate, StreamRequest } from '../request/stream-request.ts';
import { streamExpiry } from '../stream/expiry.ts';
import { lowerRate } from '../stream/pacer.ts';
import { Stream } from '../stream/stream.ts';
import type { StreamPlan } from '../stream/stream-plan.ts';
import { chooseCoding, chooseFormat } from './negotiate.ts';
import { openResponse } from './response-sink.ts';
import { readToEnd } from './take-connection.ts';

/** @throws {Problem} before the first byte of the response */
export async function openStream(
  firehose: Firehose,
  request: FastifyRequest,
  reply: FastifyReply,
  { claims, configuration }: Caller,
  wanted: StreamRequest,
): Promise<Stream> {
  const { client } = claims;
  const { config, streams, journals } = firehose;
  const limits = clientLimits(configuration, config);
  const context = firehose.positionContext(client);
  const format = chooseFormat(request.headers.accept, context.epoch);
  const coding = config.compression ? chooseCoding(request.headers['accept-encoding']) : undefined;
  const id = streamId(newMessageId(firehose.now()), firehose.nodeId);

  const until = plannedEnd(wanted, context);
  const start = await startPosition({ ...wanted, from: await resolveConsumer(firehose, client, id, wanted) }, context);
  const { after, gap } = start;
  await readToEnd(request.raw);
  // What ends by itself is not interrupted.
  const lifetimeMs = wanted.follow ? config.streamLifetimeMs : 0;
  // From here to the end nothing waits: the room that is there now is still there when the stream takes it.
  streams.makeRoom(client, limits.streams);
  const plan: StreamPlan = {
    client,
    epoch: context.epoch,
    after,
    until,
    follow: wanted.follow,
    rate: lowerRate(limits.rate, wanted.maxRate),
    batch: { messages: wanted.batch.messages, waitMs: wanted.batch.waitMs ?? 0 },
    heartbeatMs: wanted.heartbeatMs ?? config.heartbeatMs,
    onGap: wanted.onGap,
    expiry: streamExpiry(firehose.now(), claims.expiresAt, lifetimeMs, Math.random),
    consumer: wanted.from.kind === 'consumer' ? wanted.from.name : undefined,
  };
  const journal = () => journals.of(client);
  const source = wantedSource(journal, client, wanted);
  const sink = openResponse(request, reply, format.mediaType, coding);
  const stream = new Stream(id, plan, { source, format, sink }, firehose.surroundings);
  streams.add(stream);
  stream.start({
    kind: 'hello',
    stream: id,
    epoch: plan.epoch,
    offset: after,
    ...(gap !== undefined && { gap }),
    earliest: journal().earliest(client),
    latest: journal().head(client),
    rate: grantedRate(plan.rate),
    heartbeat_ms: plan.heartbeatMs,
    hash: journal().hashAt(client, after),
    ...(plan.consumer !== undefined && { consumer: plan.consumer }),
  });
  return stream;
}

/** A named consumer starts after its checkpoint; a new one at the earliest. Its connection before this one is fenced. */
async function resolveConsumer(
  firehose: Firehose,
  client: string,
  stream: string,
  wanted: StreamRequest,
): Promise<From> {
  if (wanted.from.kind !== 'consumer') return wanted.from;
  const { epoch, offset } = await firehose.consumers.takeOver(client, wanted.from.name, stream, async () => {
    const context = firehose.positionContext(client);
    const { after } = await startPosition({ from: { kind: 'earliest' }, onGap: 'earliest' }, context);
    return { epoch: context.epoch, offset: after };
  });
  return { kind: 'offset', epoch, offset };
}

export function grantedRate({ messages, bytes }: Rate): GrantedRate {
  return { messages: messages ?? null, bytes: bytes ?? null };
}
