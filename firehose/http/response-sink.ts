/** Opens the response of a stream on whatever connection its request came by. */
import type { ServerHttp2Stream } from 'node:http2';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { allowOpenEndedRequest } from '../../protocol/http/client-errors.ts';
import type { Sink } from '../stream/sink.ts';
import { CompressedSink } from './compressed-sink.ts';
import { Http2Sink } from './http2-sink.ts';
import type { Coding } from './negotiate.ts';
import { SocketSink } from './socket-sink.ts';
import { takeConnection } from './take-connection.ts';

/** Takes the response over from fastify and sends its head. Headers set on the reply before, such as those of CORS, go with it. */
export function openResponse(
  request: FastifyRequest,
  reply: FastifyReply,
  mediaType: string,
  coding: Coding | undefined,
): Sink {
  const headers: Record<string, string> = {
    ...presetHeaders(reply),
    'content-type': mediaType,
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
    vary: [reply.getHeader('vary'), 'accept, accept-encoding'].filter(Boolean).join(', '),
    ...(coding !== undefined && { 'content-encoding': coding }),
  };
  reply.hijack();
  const sink = plainSink(request, reply, headers);
  return coding === undefined ? sink : new CompressedSink(sink, coding);
}

function plainSink(request: FastifyRequest, reply: FastifyReply, headers: Record<string, string>): Sink {
  if (!request.raw.complete) allowOpenEndedRequest(request.raw);
  const { stream } = reply.raw as unknown as { stream?: ServerHttp2Stream };
  if (stream !== undefined) return new Http2Sink(stream, headers);
  return new SocketSink(takeConnection(request.raw, reply.raw), request.raw.httpVersion, headers);
}

function presetHeaders(reply: FastifyReply): Record<string, string> {
  const set = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set.map(([name, value]) => [name, String(value)]));
}
