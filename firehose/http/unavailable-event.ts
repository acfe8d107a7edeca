/**
 * Tells an EventSource "not now" in a way that it survives. Any status but 200 ends an EventSource for good (HTML Living Standard,
 * 9.2.3), and a node that starts, goes down or is full would so cost each page its stream. It is answered 200 with one event
 * instead, a goodbye that holds the problem, and comes back by itself after `retry`, with the Last-Event-ID that it had.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../../protocol/http/problem.ts';
import type { FirehoseMetrics } from '../metrics.ts';

const RETRY_S = 1;

/** Holds for the routes that are registered within `server`. What is no temporary refusal of an EventSource is none of its business. */
export function answerUnavailableAsEvent(
  server: FastifyInstance,
  metrics: Pick<FirehoseMetrics, 'ended'>,
  random: () => number,
): void {
  server.setErrorHandler(async (error, request, reply) => {
    if (!(error instanceof Problem) || error.key !== 'unavailable' || !isEventSource(request)) throw error;
    metrics.ended('unavailable', 0, 0);
    return sayGoodbye(reply, error, random);
  });
}

/** Who accepts that and nothing else: a client that also takes a problem is better served with the status. */
function isEventSource({ method, headers, routeOptions }: FastifyRequest): boolean {
  return method === 'GET' && routeOptions.url === '/v1/firehose' && headers.accept === 'text/event-stream';
}

/** The event has no id: the position that the EventSource had stays its position. */
function sayGoodbye(reply: FastifyReply, problem: Problem, random: () => number): FastifyReply {
  // Those that were refused together do not come back together.
  const retryMs = Math.round((problem.retryAfterSeconds ?? RETRY_S) * 1000 * (1 + random()));
  const goodbye = { kind: 'goodbye', reason: 'unavailable', terminal: false, retry_after_ms: retryMs, problem };
  return reply
    .code(200)
    .header('content-type', 'text/event-stream')
    .header('cache-control', 'no-store')
    .send(`event: goodbye\nretry: ${retryMs}\ndata: ${JSON.stringify(goodbye)}\n\n`);
}
