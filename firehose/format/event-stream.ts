/**
 * Server-sent events (HTML Living Standard, 9.2), for EventSource. Messages are unnamed events; other frames are events
 * named after their kind. The id is `epoch:offset`, which a browser sends back as Last-Event-ID when it reconnects.
 */
import type { Format } from './format.ts';
import { eachFrame, offsetDigits } from './message-frames.ts';

const DATA = Buffer.from('\ndata: ');
const END = Buffer.from('\n\n');

const byEpoch = new Map<string, Format>();

/** The same object for the same epoch: streams at the tail share what it makes. */
export function eventStream(epoch: string): Format {
  let format = byEpoch.get(epoch);
  if (format === undefined) {
    format = makeFormat(epoch);
    byEpoch.set(epoch, format);
  }
  return format;
}

function makeFormat(epoch: string): Format {
  const id = Buffer.from(`id: ${epoch}:`);
  return {
    mediaType: 'text/event-stream',
    messages(frames) {
      const parts: Buffer[] = [];
      for (const frame of eachFrame(frames)) parts.push(id, offsetDigits(frame), DATA, frame, END);
      return Buffer.concat(parts);
    },
    control(frame) {
      const retry = frame.kind === 'goodbye' ? `retry: ${frame.retry_after_ms}\n` : '';
      return Buffer.from(
        `event: ${frame.kind}\n${retry}id: ${epoch}:${frame.offset}\ndata: ${JSON.stringify(frame)}\n\n`,
      );
    },
  };
}
