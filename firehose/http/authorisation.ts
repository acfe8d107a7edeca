/** Who asks, and what the token grants: from the header, or for EventSource, which cannot set one, from the query. */
import type { FastifyRequest } from 'fastify';
import { authorise, type Caller } from '../../protocol/http/bearer.ts';
import type { Firehose } from '../firehose.ts';
import { mayGoElsewhere } from '../nodes/answer-elsewhere.ts';

const FIREHOSE_GRANT = { service: 'firehose', version: { major: 1, minor: 0 } };

export type Authorised = Caller;

/** @returns a function that throws {Problem} unauthenticated or not-granted */
export function authorisation(
  firehose: Pick<Firehose, 'verifier' | 'now'>,
): (request: FastifyRequest) => Promise<Caller> {
  return async ({ headers, query, method }) => {
    // RFC 6750, section 2.3: only where a header cannot be sent. Responses are marked no-store.
    const token = method === 'GET' || method === 'HEAD' ? (query as Record<string, unknown>).access_token : undefined;
    const given = headers.authorization === undefined && typeof token === 'string';
    const presented = given ? { ...headers, authorization: `Bearer ${token}` } : headers;
    return authorise(presented, firehose.verifier, FIREHOSE_GRANT, firehose.now());
  };
}

/**
 * Also makes sure that this node has the client's journal, caught up.
 *
 * @returns a function that throws {Problem} and {HeldElsewhere}
 */
export function authorisedHere(
  firehose: Pick<Firehose, 'verifier' | 'now' | 'placement'>,
): (request: FastifyRequest) => Promise<Caller> {
  const authorised = authorisation(firehose);
  return async (request) => {
    const caller = await authorised(request);
    firehose.placement.check(caller.claims.client, mayGoElsewhere(request));
    return caller;
  };
}
