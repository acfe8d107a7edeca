/** What ties a log line or a span to the submission that it is about. */
import type { Attributes } from '@opentelemetry/api';
import type { Event } from '../envelope.ts';
import { parseTraceparent } from './traceparent.ts';

/** The fields of `logger.child(correlationOf(event))`. */
export interface Correlation {
  readonly transaction: string;
  readonly client: string;
  readonly message: string;
  /** The trace id, to go from a log line to its trace; absent where the envelope has none. */
  readonly trace?: string;
}

type Correlated = Pick<Event, 'correlationId' | 'client' | 'messageId' | 'traceparent'>;

export function correlationOf(event: Correlated): Correlation {
  const trace = parseTraceparent(event.traceparent)?.traceId;
  const { correlationId: transaction, client, messageId: message } = event;
  return { transaction, client, message, ...(trace !== undefined && { trace }) };
}

/** The same as span attributes; the message id under OpenTelemetry's own name for it. */
export function attributesOf(event: Correlated): Attributes {
  return {
    'sluice.transaction': event.correlationId,
    'sluice.client': event.client,
    'messaging.message.id': event.messageId,
  };
}
