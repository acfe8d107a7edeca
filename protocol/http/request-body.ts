/**
 * Answers that come before the request's body has: `Expect: 100-continue`, content that is coded, and what happens to the
 * rest of a body after a refusal.
 *
 * A route that decides by more than its headers whether it wants the body sets `config: { readsBody: true }` and calls
 * `wantBody` itself; for all others the body is asked for once their `onRequest` hooks have passed.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, Http2ServerRequest } from 'node:http2';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isOpenEnded } from './client-errors.ts';
import { Problem } from './problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The handler calls `wantBody` when it wants the body. */
    readonly readsBody?: boolean;
  }
}

/** How much of a refused body is read and thrown away, so that the sender comes to read the refusal. */
const MAX_DISCARDED_BYTES = 4 << 20;
const MAX_DISCARDING_MS = 5_000;

/** Requests whose sender waits for a word before it sends the body. */
const waiting = new WeakMap<IncomingMessage, ServerResponse>();

/** Asks the sender for the body, if it waits to be asked. */
export function wantBody(request: FastifyRequest): void {
  waiting.get(request.raw)?.writeContinue();
  waiting.delete(request.raw);
}

export function handleEarlyAnswers(server: FastifyInstance): void {
  server.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    waiting.set(request, response);
    server.server.emit('request', request, response);
  });
  server.addHook('preParsing', async (request, reply) => {
    if (isCoded(request)) throw coded(request, reply);
    if (request.routeOptions.config.readsBody !== true) wantBody(request);
  });
  server.addHook('onSend', async (request, reply) => {
    // The sender may now send the body or leave it out: what follows on this connection would be ambiguous.
    if (waiting.has(request.raw)) reply.header('connection', 'close');
  });
  server.addHook('onResponse', async (request) => {
    if (request.raw.complete === false && !waiting.has(request.raw)) discardRest(request.raw);
  });
}

/**
 * Resets HTTP/2 streams whose request does not arrive whole in time: what Node does for HTTP/1.1 by itself.
 *
 * @param mostMs milliseconds
 */
export function cutSlowStreams(server: FastifyInstance, mostMs: number): void {
  server.addHook('onRequest', async ({ raw }) => {
    if (!(raw instanceof Http2ServerRequest) || !isArriving(raw)) return;
    const cut = setTimeout(() => {
      if (isArriving(raw) && !isOpenEnded(raw)) raw.stream.close(constants.NGHTTP2_CANCEL);
    }, mostMs);
    raw.once('close', () => clearTimeout(cut));
  });
}

/** Whether the sender has not said yet that its request is whole, read or not. */
function isArriving({ stream }: Http2ServerRequest): boolean {
  const { state } = stream.state;
  return state === constants.NGHTTP2_STREAM_STATE_OPEN || state === constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_LOCAL;
}

/** Whether the content would have to be decompressed first. */
function isCoded({ method, headers }: FastifyRequest): boolean {
  const { 'content-encoding': coding = 'identity' } = headers;
  return method !== 'GET' && method !== 'HEAD' && coding.toLowerCase() !== 'identity';
}

/** Images are compressed as they are, and a little content may stand for very much. */
function coded({ headers }: FastifyRequest, reply: FastifyReply): Problem {
  reply.header('accept-encoding', 'identity');
  const detail = `'${headers['content-encoding']}' is not accepted; send the content as it is`;
  return new Problem('unsupported-media-type', `Content-Encoding: ${detail}.`, {
    members: { errors: [{ field: 'header/content-encoding', detail }] },
  });
}

/** Reads on for a while; a sender that has much more to send, or does it slowly, is cut off. */
function discardRest(request: IncomingMessage): void {
  const { socket } = request;
  const cut = setTimeout(() => socket.destroy(), MAX_DISCARDING_MS);
  let discarded = 0;
  request.on('data', (chunk: Buffer) => {
    discarded += chunk.byteLength;
    if (discarded > MAX_DISCARDED_BYTES) socket.destroy();
  });
  request.once('close', () => clearTimeout(cut));
  request.resume();
}
