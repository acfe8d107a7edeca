/**
 * The OpenAPI 3.1 description, made from the schemas that requests are checked by, and a page to try it on.
 *
 * Every operation answers with problem details where it does not succeed. What any request may be answered is known here; a
 * route names what is its own (`config: { problems }`). The page loads nothing from elsewhere.
 */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { PROBLEM_MEDIA_TYPE } from './problem.ts';
import { PROBLEM_TYPES, type ProblemKey, problemUri } from './problem-types.ts';

/** What a route says of its answers, in its `config`. */
export interface RouteProblems {
  /** Problems beside those that every operation of its kind may answer with. */
  readonly problems?: readonly ProblemKey[];
  /** Another node may have what is asked for: answered 307 where nodes do not pass requests on. */
  readonly elsewhere?: boolean;
}

declare module 'fastify' {
  interface FastifyContextConfig extends RouteProblems {}
}

const problemSchema = (keys: readonly ProblemKey[]) => ({
  type: 'object',
  description: 'Problem details (RFC 9457)',
  required: ['type', 'title', 'status', 'detail', 'request'],
  properties: {
    type: { type: 'string', enum: keys.map(problemUri) },
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
});

/** As everywhere on this edge, but that the page's library sets styles of single elements. */
const PAGE_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

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
      schema: isForPeople(url) ? { hide: true } : described(schema, url, String(route.method), route.config ?? {}),
      url,
    }),
  });
  await server.register(swaggerUi, { routePrefix: '/openapi', staticCSP: PAGE_POLICY });
  server.get('/openapi.json', { schema: { hide: true } as object }, async () => server.swagger());
}

/** What is no part of the interface that programs are written against. */
function isForPeople(url: string): boolean {
  return url.startsWith('/console') || url === '/metrics';
}

/** The operation with what holds for all of its kind: the token it needs, and how it answers where it does not succeed. */
// biome-ignore lint/suspicious/noExplicitAny: a JSON Schema with OpenAPI's additions, of which swagger knows more than fastify
function described(schema: any, url: string, method: string, own: RouteProblems): any {
  const { response = {}, ...rest } = schema ?? {};
  const success = Object.keys(response).some((status) => status.startsWith('2'))
    ? {}
    : method === 'DELETE'
      ? { 204: { type: 'null', description: 'Done' } }
      : { 200: { description: 'Done' } };
  const failures =
    url.startsWith('/oauth/') && method === 'POST' ? OAUTH_FAILURES : problemResponses(problemsOf(url, method, own));
  return {
    ...rest,
    ...(url.startsWith('/v1/') && { security: [{ token: [] }] }),
    response: { ...success, ...(own.elsewhere === true && ELSEWHERE), ...failures, ...response },
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

const ELSEWHERE = {
  307: {
    description: 'Another node has it: repeat the request there',
    headers: { location: { schema: { type: 'string' }, description: 'The same request at that node' } },
    content: {
      'application/json': {
        schema: { type: 'object', properties: { location: { type: 'string' }, node: { type: 'string' } } },
      },
    },
  },
};

function problemsOf(url: string, method: string, own: RouteProblems): ProblemKey[] {
  const keys: ProblemKey[] = ['invalid-request', 'headers-too-large', 'internal-error'];
  if (url.startsWith('/v1/')) keys.push('unauthenticated', 'not-granted');
  // A name in the path that is too long for any route.
  if (url.includes('{') || url.includes(':')) keys.push('not-found');
  // What only a body can cause is no answer to a request without one.
  if (method !== 'GET' && method !== 'HEAD')
    keys.push('request-timeout', 'payload-too-large', 'unsupported-media-type');
  return [...new Set([...keys, ...(own.problems ?? [])])];
}

function problemResponses(keys: readonly ProblemKey[]): Record<string, unknown> {
  const byStatus = Map.groupBy(keys, (key) => PROBLEM_TYPES[key].status);
  return Object.fromEntries(
    [...byStatus].map(([status, those]) => [
      status,
      {
        description: those.map((key) => `\`${problemUri(key)}\` ${PROBLEM_TYPES[key].title}`).join('; '),
        content: { [PROBLEM_MEDIA_TYPE]: { schema: problemSchema(those) } },
      },
    ]),
  );
}
