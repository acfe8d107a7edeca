/** Tells a path that is served by other methods from one that is not served at all. */
import type { FastifyInstance } from 'fastify';

/** @returns the methods by which a path without its query is served; to be called before any route is registered */
export function collectMethods(server: FastifyInstance): (path: string) => string[] {
  const routes: { readonly methods: readonly string[]; readonly matches: RegExp }[] = [];
  server.addHook('onRoute', ({ method, url }) => {
    routes.push({ methods: [method].flat(), matches: patternOf(url) });
  });
  return (path) =>
    [...new Set(routes.filter(({ matches }) => matches.test(path)).flatMap(({ methods }) => methods))].sort();
}

/** Of a route such as `/v1/transactions/:id/images`. */
function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => {
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('/')}$`);
}
