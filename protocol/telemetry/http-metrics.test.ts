import fastify from 'fastify';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { registerHttpMetrics } from './http-metrics.ts';

test('requests are counted by registered route and status, unknown paths all as one', async () => {
  const registry = new Registry();
  const server = fastify();
  registerHttpMetrics(server, registry);
  server.get('/things/:id', async () => 'thing');
  for (const url of ['/things/1', '/things/2', '/nothing', '/nowhere']) await server.inject({ url });
  const text = await registry.metrics();
  await server.close();
  expect(text).toContain('http_server_request_duration_seconds_count{method="GET",route="/things/:id",status="200"} 2');
  expect(text).toContain('http_server_request_duration_seconds_count{method="GET",route="unknown",status="404"} 2');
  expect(text).toContain('http_server_active_requests{method="GET",route="/things/:id"} 0');
});
