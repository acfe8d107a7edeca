/**
 * What a client says of a transaction as a whole: `PUT /v1/transactions/{id}` sets its terms, `POST …/close` says that no
 * further image comes. Both are events on results-1; the state that follows is read from the journal (ADR 3).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { TokenVerifier } from '../../protocol/claims/verifier.ts';
import { packEvent } from '../../protocol/envelope.ts';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import { TransactionClosed, TransactionOpened } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { authoriseEach } from '../../protocol/http/authorise-each.ts';
import type { Caller } from '../../protocol/http/bearer.ts';
import { Problem } from '../../protocol/http/problem.ts';
import { LogUnavailableError } from '../../protocol/log/errors.ts';
import type { Log, ProduceRecord } from '../../protocol/log/log.ts';
import { RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { newMessageId } from '../../protocol/message-id.ts';
import { submissionSpan } from '../../protocol/telemetry/spans.ts';
import { INGEST_GRANT } from '../ingest/ingest-grant.ts';
import { TransactionParams } from './transaction-params.ts';

export interface TransactionDependencies {
  readonly log: Log;
  readonly verifier: TokenVerifier;
  readonly retryAfterSeconds: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const MAX_IMAGES = 1_000_000;
const ExpectedImages = Type.Integer({ minimum: 1, maximum: MAX_IMAGES });

const Terms = Type.Object(
  {
    expected_images: Type.Optional({ ...ExpectedImages, description: 'How many images there will be' }),
    deadline: Type.Optional(
      Type.String({ format: 'date-time', description: 'After this moment the summary is given with what there is' }),
    ),
  },
  { additionalProperties: false },
);
const Closing = Type.Object(
  {
    expected_images: Type.Optional({ ...ExpectedImages, description: 'How many images were accepted in all' }),
  },
  { additionalProperties: false },
);
const TermsAnswer = Type.Object({
  transaction: Type.String(),
  expected_images: Type.Optional(Type.Integer()),
  deadline: Type.Optional(Type.String({ format: 'date-time' })),
});

export async function registerTransactions(server: FastifyInstance, to: TransactionDependencies): Promise<void> {
  await server.register(async (scope) => register(scope, to));
}

function register(server: FastifyInstance, to: TransactionDependencies): void {
  const callerOf = authoriseEach(server, to.verifier, INGEST_GRANT, to.now);

  server.put<{ Params: Static<typeof TransactionParams>; Body: Static<typeof Terms> }>(
    '/v1/transactions/:id',
    {
      config: { problems: ['unavailable'] },
      schema: {
        summary: 'Set the terms of a transaction',
        tags: ['transactions'],
        params: TransactionParams,
        body: Terms,
        response: { 202: TermsAnswer },
      },
    },
    async (request, reply) => {
      const { expected_images, deadline } = request.body;
      const due = deadline === undefined ? undefined : futureTime(deadline, to.now());
      await tell(to, callerOf(request), request, TransactionOpened, {
        expectedImages: expected_images ?? 0,
        ...(due !== undefined && { deadline: Timestamp.fromDate(new Date(due)) }),
      });
      return reply.code(202).send({ transaction: request.params.id, ...request.body });
    },
  );

  server.post<{ Params: Static<typeof TransactionParams>; Body: Static<typeof Closing> | null }>(
    '/v1/transactions/:id/close',
    {
      config: { problems: ['unavailable'] },
      schema: {
        summary: 'Say that no further image comes',
        tags: ['transactions'],
        params: TransactionParams,
        body: Type.Union([Closing, Type.Null()]),
        response: { 202: TermsAnswer },
      },
    },
    async (request, reply) => {
      const body = request.body ?? {};
      await tell(to, callerOf(request), request, TransactionClosed, { expectedImages: body.expected_images ?? 0 });
      return reply.code(202).send({ transaction: request.params.id, ...body });
    },
  );
}

async function tell<T extends object>(
  to: TransactionDependencies,
  { claims, token }: Caller,
  request: FastifyRequest<{ Params: { id: string } }>,
  type: Parameters<typeof packEvent<T>>[1]['type'],
  message: T,
): Promise<void> {
  const eventTime = to.now();
  const { client } = claims;
  const correlationId = request.params.id;
  const attributes = { 'sluice.transaction': correlationId, 'sluice.client': client };
  const header = request.headers.traceparent as string | undefined;
  await submissionSpan(header, attributes, async (traceparent) => {
    const context = { correlationId, client, token, traceparent };
    const value = packEvent(context, { messageId: newMessageId(eventTime), eventTime, type, message });
    await produce(to, { key: client, value });
  });
}

async function produce(to: TransactionDependencies, record: ProduceRecord): Promise<void> {
  try {
    await to.log.produce(RESULTS_TOPIC, [record]);
  } catch (cause) {
    if (cause instanceof LogUnavailableError)
      throw new Problem('unavailable', 'The log does not acknowledge now.', {
        retryAfterSeconds: to.retryAfterSeconds,
        cause,
      });
    throw cause;
  }
}

function futureTime(text: string, now: number): number {
  const time = Date.parse(text);
  if (time > now) return time;
  const detail = 'lies in the past, or is no date';
  throw new Problem('invalid-request', `deadline ${detail}.`, {
    members: { errors: [{ field: '/deadline', detail }] },
  });
}
