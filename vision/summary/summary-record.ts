/** A summary as it goes on the log: under an id derived from what it says, so that giving it again repeats it. */
import { packEvent } from '../../protocol/envelope.ts';
import { TransactionSummary } from '../../protocol/generated/summary/v1m0/summary_pb.js';
import type { ProduceRecord } from '../../protocol/log/log.ts';
import { derivedMessageId } from '../../protocol/message-id.ts';
import type { TransactionState } from './transaction-state.ts';

/**
 * @param state with a bearer, and an accepted image or an opening: only such a transaction is owed a summary
 * @param digest of the summary's content
 * @param eventTime ms since the epoch
 */
export function summaryRecord(
  state: TransactionState,
  summary: TransactionSummary,
  digest: string,
  eventTime: number,
): ProduceRecord {
  const { client, transaction, bearer, terms } = state;
  const [first] = [...state.images.values()]
    .filter((image) => image.accepted !== undefined)
    .map(({ imageId }) => imageId)
    .sort();
  const cause = first ?? terms.opened!.id;
  const value = packEvent(
    { correlationId: transaction, client, token: bearer!.token, traceparent: bearer!.traceparent },
    {
      messageId: derivedMessageId(cause, 'summary', summary.revision, digest),
      eventTime,
      type: TransactionSummary,
      message: summary,
    },
  );
  return { key: client, value };
}
