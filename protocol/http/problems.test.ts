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
  server.delete('/lists/:id', async () => ({}));
  const text = Type.String({ pattern: '^[a-z]+$', title: 'small letters' });
  const list = Type.Object(
    { texts: Type.Optional(Type.Array(text)), since: Type.Optional(Type.String({ format: 'date-time' })) },
    { additionalProperties: false },
  );
  server.put('/lists/:id', { schema: { body: Type.Union([list, Type.Null()]) } }, async () => ({}));
});

const JSON_BODY = { 'content-type': 'application/json' };

async function ask(
  method: 'PUT' | 'GET' | 'DELETE',
  url: string,
  body = '',
  headers: Record<string, string> = JSON_BODY,
) {
  const response = await server.inject({ method, url, body, headers });
  return {
    status: response.statusCode,
    allow: response.headers.allow,
    media: response.headers['content-type'],
    ...response.json(),
  };
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
  ['/things/a', '', [{ field: '/', detail: 'must be object with count, kind' }]],
  ['/lists/a', '{"text":[]}', [{ field: '/text', detail: 'is no field here; known are texts, since' }]],
  ['/lists/a', '{"texts":["A"]}', [{ field: '/texts/0', detail: 'must match pattern "^[a-z]+$" (small letters)' }]],
  [
    '/lists/a',
    '{"since":"now"}',
    [{ field: '/since', detail: expect.stringMatching(/such as 2026-01-31T12:00:00Z$/) }],
  ],
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
  expect(
    await ask('PUT', '/things/a', 'count=1', { 'content-type': 'application/x-www-form-urlencoded' }),
  ).toMatchObject({
    status: 415,
    detail: "Content-Type: 'application/x-www-form-urlencoded' is not accepted here; send application/json.",
  });
  expect(await ask('PUT', '/things/a', '{"count":1}', { 'content-type': 'text/plain' })).toMatchObject({ status: 415 });
  expect(await ask('PUT', '/things/a', '{"count":')).toMatchObject({ status: 400, type: '/problems/invalid-request' });
  expect(await ask('PUT', '/things/a', `{"count":${'1'.repeat(200)}}`)).toMatchObject({ status: 413, limit: 100 });
});

test('content that is compressed is refused as that, not as JSON that cannot be read', async () => {
  expect(await ask('PUT', '/things/a', 'x', { ...JSON_BODY, 'content-encoding': 'gzip' })).toMatchObject({
    status: 415,
    errors: [{ field: 'header/content-encoding', detail: "'gzip' is not accepted; send the content as it is" }],
  });
  const plain = await ask('PUT', '/things/a', '{"count":1}', { ...JSON_BODY, 'content-encoding': 'identity' });
  expect(plain.status).toBe(200);
});

test('no content is no body, whatever type is said to be', async () => {
  expect(await ask('DELETE', '/lists/a')).toMatchObject({ status: 200 });
});

test.each([
  ['/things/%ZZ', 'path is not well-formed: % and two hexadecimal digits stand for a byte of UTF-8.'],
  ['/things/%F0', 'path is not well-formed: % and two hexadecimal digits stand for a byte of UTF-8.'],
  [`/things/${'a'.repeat(300)}`, 'path has a name of more than 256 characters in it.'],
])('%s is a problem as every other', async (path, detail) => {
  expect(await ask('GET', path)).toMatchObject({
    status: 400,
    media: 'application/problem+json',
    type: '/problems/invalid-request',
    request: expect.any(String),
    detail,
  });
});
