/**
 * The OpenAPI 3.1 description, made from the schemas that requests are checked by, and a page to try it on.
 *
 * Every operation under /v1 answers with problem details where it does not succeed; which types there are is part of the
 * description, so no route repeats it. The page loads nothing from elsewhere.
 */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { PROBLEM_MEDIA_TYPE } from './problem.ts';
import { PROBLEM_TYPES, type ProblemKey, problemUri } from './problem-types.ts';

const PROBLEM_SCHEMA = {
  type: 'object',
  description: 'Problem details (RFC 9457)',
  required: ['type', 'title', 'status', 'detail', 'request'],
  properties: {
    type: { type: 'string', enum: Object.keys(PROBLEM_TYPES).map((key) => problemUri(key as ProblemKey)) },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    request: { type: 'string', description: 'Names the request in our logs' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['field', 'detail'],
        properties: { field: { type: 'string' }, detail: { type: 'string' } },
      },
    },
  },
};

/** To be called before any route is registered. */
export async function registerOpenApi(server: FastifyInstance, version: string): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Sluice',
        version,
        description: 'Images in, descriptions out on one resumable stream.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'An authorisation token from /oauth/token' },
        },
      },
    },
    hideUntagged: false,
    transform: ({ schema, url, route }) => ({
      schema: isForPeople(url) ? { hide: true } : described(schema, url, String(route.method)),
      url,
    }),
  });
  await server.register(swaggerUi, { routePrefix: '/openapi', staticCSP: true });
  server.get('/openapi.json', { schema: { hide: true } as object }, async () => server.swagger());
}

/** What is no part of the interface that programs are written against. */
function isForPeople(url: string): boolean {
  return url.startsWith('/console') || url === '/metrics';
}

/** The operation with what holds for all of its kind: the token it needs, and how it answers where it does not succeed. */
// biome-ignore lint/suspicious/noExplicitAny: a JSON Schema with OpenAPI's additions, of which swagger knows more than fastify
function described(schema: any, url: string, method: string): any {
  const { response = {}, ...rest } = schema ?? {};
  const success = Object.keys(response).some((status) => status.startsWith('2'))
    ? {}
    : method === 'DELETE'
      ? { 204: { type: 'null', description: 'Done' } }
      : { 200: { description: 'Done' } };
  const failures = url.startsWith('/oauth/') && method === 'POST' ? OAUTH_FAILURES : problemResponses(url, method);
  return {
    ...rest,
    ...(url.startsWith('/v1/') && { security: [{ token: [] }] }),
    response: { ...success, ...failures, ...response },
  };
}

const OAUTH_ERROR = {
  description: 'An error in the form of RFC 6749, 5.2',
  content: {
    'application/json': {
      schema: {
        type: 'object',
        required: ['error'],
        properties: { error: { type: 'string' }, error_description: { type: 'string' } },
      },
    },
  },
};
const OAUTH_FAILURES = Object.fromEntries([400, 401, 429, 503].map((status) => [status, OAUTH_ERROR]));

function problemResponses(url: string, method: string): Record<string, unknown> {
  const byStatus = new Map<number, string[]>();
  for (const [key, { status, title }] of Object.entries(PROBLEM_TYPES))
    byStatus.set(status, [...(byStatus.get(status) ?? []), `\`${problemUri(key as ProblemKey)}\` ${title}`]);
  // What only a body can cause is no answer to a request without one.
  if (method === 'GET') for (const status of [413, 415, 422]) byStatus.delete(status);
  if (!url.startsWith('/v1/')) for (const status of [401, 403, 409, 410, 416]) byStatus.delete(status);
  return Object.fromEntries(
    [...byStatus].map(([status, titles]) => [
      status,
      { description: titles.join('; '), content: { [PROBLEM_MEDIA_TYPE]: { schema: PROBLEM_SCHEMA } } },
    ]),
  );
}
