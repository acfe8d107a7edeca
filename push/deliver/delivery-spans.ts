/** One span for each try to deliver a message whose trace is recorded: from sending to the answer, under the submission. */
import { pastSpan } from '../../protocol/telemetry/spans.ts';
import type { Answer } from '../machines/answer.ts';
import type { Delivery } from './delivery.ts';

/** @param sentAt, answeredAt ms since the epoch */
export function recordDelivery(delivery: Delivery, answer: Answer, sentAt: number, answeredAt: number): void {
  for (const { traceparent, transaction } of delivery.items) {
    if (traceparent === undefined) continue;
    pastSpan(
      'push deliver',
      traceparent,
      { startTime: sentAt, endTime: answeredAt },
      {
        'sluice.transaction': transaction,
        'sluice.attempt': delivery.attempts + 1,
        'sluice.outcome': answer.kind,
        ...(answer.kind === 'failed' && { 'error.type': answer.cause }),
      },
    );
  }
}
