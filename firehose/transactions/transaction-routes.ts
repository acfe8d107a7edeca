/**
 * `GET /v1/transactions/{id}` and `GET /v1/transactions`: the current state, folded from the journal, with the position at
 * which it was read. A firehose from there misses nothing and repeats nothing.
 */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { JournalReader } from '../../journal/reader.ts';
import { Problem } from '../../protocol/http/problem.ts';
import type { Firehose } from '../firehose.ts';
import { authorisedHere } from '../http/authorisation.ts';
import { READS_JOURNAL } from '../http/route-problems.ts';
import { CHOSEN_NAME } from '../request/parse-request.ts';
import { foldTransaction, type TransactionMessage, type TransactionState } from './transaction-state.ts';

/** Messages of one transaction that are folded for an answer; beyond that a client is better served by the stream. */
const MAX_MESSAGES = 100_000;
const PAGE = 500;

const Params = Type.Object({
  id: Type.String({ pattern: CHOSEN_NAME.source, description: 'Transaction, as its client named it' }),
});
/** As every GET of this service takes it; what reads it is `authorisation`. */
const TOKEN = {
  access_token: Type.Optional(Type.String({ description: 'The token, only where no header can be sent' })),
};
const StateQuery = Type.Object(TOKEN, { additionalProperties: false });
const ListQuery = Type.Object(
  {
    after: Type.Optional(
      Type.Integer({
        default: -1,
        minimum: -1,
        description: 'first_offset of the last transaction of the page before',
      }),
    ),
    limit: Type.Optional(
      Type.Integer({ default: 50, minimum: 1, maximum: 200, description: 'Most transactions in the answer' }),
    ),
    ...TOKEN,
  },
  { additionalProperties: false },
);

export async function registerTransactionRoutes(server: FastifyInstance, firehose: Firehose): Promise<void> {
  const authorised = authorisedHere(firehose);
  server.get<{ Params: { id: string } }>(
    '/v1/transactions/:id',
    {
      config: READS_JOURNAL,
      schema: {
        tags: ['transactions'],
        summary: 'The state of a transaction',
        params: Params,
        querystring: StateQuery,
      },
    },
    async (request) => {
      const { claims } = await authorised(request);
      const { epoch, journal } = firehose.positionContext(claims.client);
      const offset = journal.head(claims.client);
      const state = readTransaction(journal, claims.client, request.params.id, offset);
      if (state === undefined)
        throw new Problem('not-found', `No message of transaction '${request.params.id}' is held.`);
      return { epoch, offset, ...state };
    },
  );

  server.get<{ Querystring: { after?: number; limit?: number } }>(
    '/v1/transactions',
    {
      config: READS_JOURNAL,
      schema: { tags: ['transactions'], summary: 'The transactions of the client', querystring: ListQuery },
    },
    async (request) => {
      const { claims } = await authorised(request);
      const { epoch, journal } = firehose.positionContext(claims.client);
      const offset = journal.head(claims.client);
      const { after = -1, limit = 50 } = request.query;
      const page = journal.transactions(claims.client, { after, limit });
      const transactions = page
        .filter(({ first }) => first <= offset)
        .map(({ transaction }) => readTransaction(journal, claims.client, transaction, offset))
        .filter((state) => state !== undefined)
        .map(({ images, summary, ...state }) => ({ ...state, images: images.length, summarised: summary !== null }));
      const next = page.length === limit ? page.at(-1)!.first : null;
      return { epoch, offset, transactions, next_after: next };
    },
  );
}

/** The state as of `until`; undefined where nothing of the transaction is held. */
function readTransaction(
  journal: JournalReader,
  client: string,
  id: string,
  until: number,
): TransactionState | undefined {
  const messages: TransactionMessage[] = [];
  let after = -1;
  while (messages.length < MAX_MESSAGES) {
    const found = journal.entries({ client, after, until, filter: { transactions: [id] }, maxCount: PAGE });
    if (found.kind === 'retired') {
      after = found.earliest - 1;
      continue;
    }
    for (const { frame } of found.entries) messages.push(JSON.parse(frame.toString()));
    after = found.scanned;
    if (found.end) break;
  }
  return messages.length === 0 ? undefined : foldTransaction(id, messages);
}
