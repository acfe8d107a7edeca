/** One span for each journaled message whose trace is recorded: from the event to its commit, under the submission. */
import { pastSpan } from '../../protocol/telemetry/spans.ts';
import type { RecordReading } from './read-record.ts';

/** @param now ms since the epoch: they are committed */
export function recordJournaled(readings: readonly RecordReading[], now: number): void {
  for (const reading of readings) {
    if (reading.kind !== 'pushed') continue;
    const { traceparent, client, eventTime, correlationId } = reading.event;
    const about = { 'sluice.client': client, 'sluice.transaction': correlationId };
    pastSpan('push journal', traceparent, { startTime: eventTime, endTime: now }, about);
  }
}
