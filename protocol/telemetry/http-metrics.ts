/** Rate, errors and duration of every HTTP route, under OpenTelemetry's name for them. */
import type { FastifyInstance } from 'fastify';
import { Gauge, Histogram, type Registry } from 'prom-client';

/** From a refusal out of memory to a slow upload. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Labels: `route` as registered (`/v1/transactions/:id/images`), never as asked for, so that their number is bounded.
 * Long-lived responses count when they end.
 */
export function registerHttpMetrics(server: FastifyInstance, registry: Registry): void {
  const duration = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'From the request line to the last byte of the response, by route; its count is the rate',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers: [registry],
  });
  const active = new Gauge({
    name: 'http_server_active_requests',
    help: 'Requests being answered now, long-lived responses among them',
    labelNames: ['method', 'route'],
    registers: [registry],
  });
  server.addHook('onRequest', async (request, reply) => {
    const { method, routeOptions } = request;
    const labels = { method, route: routeOptions.url ?? 'unknown' };
    const began = performance.now();
    active.inc(labels);
    // Not the framework's end of a response: one that the client left, or that was taken over, has none.
    reply.raw.once('close', () => {
      active.dec(labels);
      duration.observe({ ...labels, status: reply.raw.statusCode }, (performance.now() - began) / 1000);
    });
  });
}
