/** Cross-origin requests from browsers (Fetch Standard, CORS): which origins may read answers, and their preflights. */
import type { FastifyInstance } from 'fastify';

const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const ALLOWED_HEADERS = 'authorization, content-type, idempotency-key, last-event-id, if-none-match, traceparent';
const EXPOSED_HEADERS =
  'etag, location, retry-after, stream-next-offset, stream-cursor, stream-up-to-date, stream-sse-data-encoding';
/** How long a browser may remember a preflight, seconds. */
const MAX_AGE = '600';

/** @param origins such as `https://app.example`; `*` for all; none: no cross-origin request is allowed */
export function registerCors(server: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  server.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers;
    if (origin === undefined) return;
    reply.header('vary', 'origin');
    if (!origins.includes('*') && !origins.includes(origin)) return;
    // Tokens travel in a header, never in cookies: nothing is lent to the page that it does not hold itself.
    reply.header('access-control-allow-origin', origins.includes('*') ? '*' : origin);
    reply.header('access-control-expose-headers', EXPOSED_HEADERS);
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return;
    reply.header('access-control-allow-methods', ALLOWED_METHODS);
    reply.header('access-control-allow-headers', ALLOWED_HEADERS);
    reply.header('access-control-max-age', MAX_AGE);
    return reply.code(204).send();
  });
}
