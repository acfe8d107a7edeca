/** What an integrator reads who asks wrongly. */
import { pino } from 'pino';
import { Type } from 'typebox';
import { beforeAll, expect, test } from 'vitest';
import { createHttpServer, type HttpServer } from './server.ts';

let server: HttpServer;

beforeAll(() => {
  server = createHttpServer({ logger: pino({ level: 'silent' }) as never, bodyLimit: 100 });
  const params = Type.Object({ id: Type.String({ pattern: '^[a-z]+$', description: 'Small letters' }) });
  const body = Type.Object(
    { count: Type.Integer({ minimum: 1 }), kind: Type.Optional(Type.Enum(['a', 'b'])) },
    { additionalProperties: false },
  );
  server.put('/things/:id', { schema: { params, body } }, async () => ({}));
  server.get('/things/:id', async () => ({}));
});

async function ask(method: 'PUT' | 'GET' | 'DELETE', url: string, body = '', type = 'application/json') {
  const response = await server.inject({ method, url, body, headers: body === '' ? {} : { 'content-type': type } });
  return { status: response.statusCode, allow: response.headers.allow, ...response.json() };
}

test.each<[string, string, object[]]>([
  [
    '/things/a',
    '{"count":1,"colour":"red"}',
    [{ field: '/colour', detail: 'is no field here; known are count, kind' }],
  ],
  ['/things/a', '{}', [{ field: '/count', detail: 'is missing' }]],
  ['/things/a', '{"count":"one"}', [{ field: '/count', detail: 'must be integer' }]],
  ['/things/a', '{"count":1,"kind":"c"}', [{ field: '/kind', detail: expect.stringMatching(/: a, b$/) }]],
  ['/things/A', '{"count":1}', [{ field: 'path/id', detail: 'must match pattern "^[a-z]+$" (Small letters)' }]],
])('PUT %s %s names each field once, and what would be accepted', async (url, body, errors) => {
  const problem = await ask('PUT', url, body);
  expect(problem).toMatchObject({ status: 400, type: '/problems/invalid-request', errors });
  expect(problem.errors).toHaveLength(errors.length);
});

test('a path that is served by other methods says by which; one that is not served is not found', async () => {
  expect(await ask('DELETE', '/things/a?x=1')).toMatchObject({
    status: 405,
    allow: 'GET, HEAD, PUT',
    type: '/problems/method-not-allowed',
    detail: '/things/a is served by GET, HEAD, PUT, not by DELETE.',
  });
  expect(await ask('GET', '/things')).toMatchObject({ status: 404, type: '/problems/not-found' });
  expect(await ask('GET', '/things/a/b')).toMatchObject({ status: 404, type: '/problems/not-found' });
});

test('another media type, another syntax and too much are told apart', async () => {
  expect(await ask('PUT', '/things/a', 'count=1', 'application/x-www-form-urlencoded')).toMatchObject({
    status: 415,
    detail: "Content-Type: 'application/x-www-form-urlencoded' is not accepted here; send application/json.",
  });
  expect(await ask('PUT', '/things/a', '{"count":')).toMatchObject({ status: 400, type: '/problems/invalid-request' });
  expect(await ask('PUT', '/things/a', `{"count":${'1'.repeat(200)}}`)).toMatchObject({ status: 413, limit: 100 });
});
