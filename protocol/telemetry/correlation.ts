/** What ties a log line to the submission that it is about. */
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
