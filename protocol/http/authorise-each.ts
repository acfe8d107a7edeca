/** Authorises every request of a scope before its body is looked at. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ServiceVersion } from '../claims/grant.ts';
import type { TokenVerifier } from '../claims/verifier.ts';
import { authorise, type Caller } from './bearer.ts';

/** @param now milliseconds since the epoch @returns gives the caller of a request of this scope */
export function authoriseEach(
  scope: FastifyInstance,
  verifier: TokenVerifier,
  required: { readonly service: string; readonly version: ServiceVersion },
  now: () => number,
): (request: FastifyRequest) => Caller {
  const callers = new WeakMap<FastifyRequest, Caller>();
  scope.addHook('onRequest', async (request) => {
    callers.set(request, await authorise(request.headers, verifier, required, now()));
  });
  return (request) => callers.get(request)!;
}
