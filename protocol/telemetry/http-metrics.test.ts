import { once } from 'node:events';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { registerHttpMetrics } from './http-metrics.ts';

let server: FastifyInstance;
let registry: Registry;

beforeEach(async () => {
  registry = new Registry();
  server = fastify();
  registerHttpMetrics(server, registry);
  server.get('/things/:id', async () => 'thing');
  server.get('/stream', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200).write('first');
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
});

afterEach(() => server.close());

const url = (path: string) => `http://127.0.0.1:${(server.server.address() as AddressInfo).port}${path}`;
const shown = (line: string) => vi.waitFor(async () => expect(await registry.metrics()).toContain(line), 60_000);

test('requests are counted by registered route and status, unknown paths all as one', async () => {
  for (const path of ['/things/1', '/things/2', '/nothing', '/nowhere']) await (await fetch(url(path))).text();
  await shown('http_server_request_duration_seconds_count{method="GET",route="/things/:id",status="200"} 2');
  await shown('http_server_request_duration_seconds_count{method="GET",route="unknown",status="404"} 2');
  await shown('http_server_active_requests{method="GET",route="/things/:id"} 0');
});

test('a long-lived response is active until its client leaves', async () => {
  const request = get(url('/stream'));
  const [response] = await once(request, 'response');
  await once(response, 'data');
  await shown('http_server_active_requests{method="GET",route="/stream"} 1');
  request.destroy();
  await shown('http_server_active_requests{method="GET",route="/stream"} 0');
});
