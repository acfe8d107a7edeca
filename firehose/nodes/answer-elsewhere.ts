/** How a request is answered that another node can serve: 307 to that node, or by passing it on. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '../../protocol/http/problem.ts';
import type { FirehoseMetrics } from '../metrics.ts';
import { FORWARDED_HEADER, type Forwarder } from './forward.ts';
import type { NodeDirectory } from './node-directory.ts';
import { HeldElsewhere } from './placement.ts';

export interface ElsewhereOptions {
  /** undefined: clients are redirected. */
  readonly forwarder: Forwarder | undefined;
  readonly directory: NodeDirectory;
  readonly metrics: Pick<FirehoseMetrics, 'sentElsewhere'>;
}

/** Holds for all routes that are registered on `server`. */
export function answerElsewhere(server: FastifyInstance, { forwarder, directory, metrics }: ElsewhereOptions): void {
  server.setErrorHandler(async (error, request, reply) => {
    if (!(error instanceof HeldElsewhere)) throw error;
    const { node } = error;
    if (forwarder === undefined) {
      metrics.sentElsewhere('redirected');
      const location = `${node.url}${request.raw.url}`;
      reply.code(307).header('location', location).header('cache-control', 'no-store');
      return reply.send({ location, node: node.id });
    }
    try {
      const answer = await forwarder.forward(node.url, request, reply);
      metrics.sentElsewhere('forwarded');
      return answer;
    } catch (failure) {
      metrics.sentElsewhere('failed');
      if (failure instanceof Problem) directory.forget(node.id);
      throw failure;
    }
  });
}

/** false: the request came by way of another node, which knew no better one than this. */
export function mayGoElsewhere({ headers }: FastifyRequest): boolean {
  return headers[FORWARDED_HEADER] === undefined;
}
