/** `GET /v1/usage`: what a client has used, by day. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { authorise } from '../../protocol/http/bearer.ts';
import { Problem } from '../../protocol/http/problem.ts';
import { partitionOf } from '../../protocol/log/partitioner.ts';
import { SUMMARY_SERVICE, SUMMARY_VERSION } from './fact.ts';
import type { Summariser } from './summariser.ts';
import { dayOf } from './usage.ts';
import { readUsage } from './usage-table.ts';

const DAY_MS = 24 * 3_600_000;
/** Days that are given where the request does not say from when. */
const DEFAULT_DAYS = 30;
const RETRY_AFTER_SECONDS = 5;

const Day = Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$', description: 'A day in UTC: 2026-11-21' });

const UsageAnswer = Type.Object({
  client: Type.String(),
  from: Type.String(),
  to: Type.String(),
  days: Type.Array(
    Type.Object({
      day: Type.String(),
      images: Type.Integer({ description: 'Images accepted' }),
      bytes: Type.Integer({ description: 'Encoded bytes of those images' }),
      results: Type.Integer({ description: 'Results of vision services' }),
      completions: Type.Integer({ description: 'Images completed, counted for each service' }),
      failures: Type.Integer({ description: 'Images given up, counted for each service' }),
      summaries: Type.Integer({ description: 'Summaries given, revisions included' }),
      final: Type.Boolean({ description: 'Whether the day is over; what comes late is still added' }),
    }),
    { description: 'Days on which something happened, ascending' },
  ),
});

export interface UsageDependencies {
  readonly verifier: TokenVerifier;
  /** undefined while there is none. */
  readonly summariser: () => Summariser | undefined;
  /** Partitions of results-1. */
  readonly partitions: number;
  readonly now: () => number;
}

export function usageRoutes({ verifier, summariser, partitions, now }: UsageDependencies): FastifyPluginAsyncTypebox {
  return async (server) => {
    server.get(
      '/v1/usage',
      {
        config: { problems: ['unavailable'] },
        schema: {
          tags: ['usage'],
          summary: 'What the client has used, by day',
          querystring: Type.Object(
            { from: Type.Optional(Day), to: Type.Optional(Day) },
            { additionalProperties: false },
          ),
          response: { 200: UsageAnswer },
        },
      },
      async (request) => {
        const required = { service: SUMMARY_SERVICE, version: SUMMARY_VERSION };
        const { claims } = await authorise(request.headers, verifier, required, now());
        const to = request.query.to ?? dayOf(now());
        const from = request.query.from ?? dayOf(now() - (DEFAULT_DAYS - 1) * DAY_MS);
        const runner = summariser()?.partitions.get(partitionOf(claims.client, partitions));
        if (runner?.book.live !== true)
          throw new Problem('unavailable', 'The usage of this client is not at hand here now.', {
            retryAfterSeconds: RETRY_AFTER_SECONDS,
          });
        const today = dayOf(runner.book.streamTime);
        const days = readUsage(runner.store.database, claims.client, from, to).map((usage) => ({
          ...usage,
          final: usage.day < today,
        }));
        return { client: claims.client, from, to, days };
      },
    );
  };
}
