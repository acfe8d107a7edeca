/**
 * A message as it is pushed: the firehose's frame with the epoch in it, so that the body alone names the position, and with the
 * `traceparent` of what it came of, if that is recorded. In the journal a line end follows (see deliver/read-frames.ts).
 */
import type { Event } from '../../protocol/envelope.ts';
import { isSampled } from '../../protocol/telemetry/spans.ts';

/** @param payload canonical JSON */
export function messageFrame(epoch: string, offset: number, event: Event, payload: string): (prev: number) => Buffer {
  const time = new Date(event.eventTime).toISOString();
  const trace = isSampled(event.traceparent) ? `,"traceparent":${JSON.stringify(event.traceparent)}` : '';
  const rest =
    `,"time":"${time}","type":${JSON.stringify(event.type)},"transaction":${JSON.stringify(event.correlationId)}` +
    `,"id":${JSON.stringify(event.messageId)}${trace},"payload":${payload}}\n`;
  return (prev) => Buffer.from(`{"kind":"message","epoch":"${epoch}","offset":${offset},"prev":${prev}${rest}`);
}
