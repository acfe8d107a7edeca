/** What every HTTP edge serves for operators: liveness, readiness, metrics, and the pages behind problem type URIs. */

import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { Type } from 'typebox';
import type { RunningRole } from '../role.ts';
import { Problem } from './problem.ts';
import { PROBLEM_TYPES, type ProblemKey, problemUri } from './problem-types.ts';

export function registerOperatorRoutes(
  server: FastifyInstance,
  roles: readonly RunningRole[],
  metrics: Registry,
): void {
  server.get('/livez', { schema: about('Whether the process lives') }, async () => ({ status: 'alive' }));

  server.get('/readyz', { schema: about('Whether every role can do its work') }, async (_request, reply) => {
    const states = roles.map((role) => ({ role: role.name, ...role.readiness() }));
    const ready = states.every((state) => state.ready);
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', roles: states });
  });

  server.get('/metrics', async (_request, reply) => {
    return reply.type(metrics.contentType).send(await metrics.metrics());
  });

  server.get('/problems', { schema: about('Every problem type') }, async () =>
    Object.entries(PROBLEM_TYPES).map(([key, type]) => ({ type: problemUri(key as ProblemKey), ...type })),
  );

  server.get<{ Params: { key: string } }>(
    '/problems/:key',
    { schema: { ...about('One problem type, and what to do about it'), params: Type.Object({ key: Type.String() }) } },
    async ({ params: { key } }) => {
      if (!Object.hasOwn(PROBLEM_TYPES, key)) throw new Problem('not-found', `There is no problem type '${key}'.`);
      return { type: problemUri(key as ProblemKey), ...PROBLEM_TYPES[key as ProblemKey] };
    },
  );
}

/** For the OpenAPI description. */
function about(summary: string): object {
  return { tags: ['operators'], summary };
}
