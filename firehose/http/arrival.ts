/** A request that trickles in holds a connection for nothing: after a while it is cut. */
import type { FastifyRequest } from 'fastify';

const arrivals = new WeakMap<FastifyRequest, NodeJS.Timeout>();

export function limitArrival(request: FastifyRequest, limitMs: number): void {
  if (request.method !== 'POST' && request.method !== 'PATCH' && request.method !== 'PUT') return;
  arrivals.set(
    request,
    setTimeout(() => request.raw.destroy(), limitMs),
  );
  request.raw.once('end', () => arrived(request));
  request.raw.once('close', () => arrived(request));
}

/** What was to come in time has come: of an open body, its first line. */
export function arrived(request: FastifyRequest): void {
  clearTimeout(arrivals.get(request));
}
