/** What the firehose tells Prometheus. */
import { Counter, Gauge, type Registry } from 'prom-client';

export interface FirehoseMetrics {
  journaled(messages: number, bytes: number, duplicates: number): void;
  poisoned(): void;
  ended(reason: string, messages: number, bytes: number): void;
}

export function firehoseMetrics(registry: Registry, openStreams: () => number): FirehoseMetrics {
  const registers = [registry];
  const journaled = new Counter({
    name: 'sluice_firehose_journaled_messages_total',
    help: 'Messages appended to journals',
    registers,
  });
  const bytes = new Counter({
    name: 'sluice_firehose_journaled_bytes_total',
    help: 'Bytes of message frames appended to journals',
    registers,
  });
  const duplicates = new Counter({
    name: 'sluice_firehose_duplicates_total',
    help: 'Messages not appended since a message with the same id is held',
    registers,
  });
  const poisoned = new Counter({
    name: 'sluice_firehose_poisoned_total',
    help: 'Records of results-1 set aside in dead-letter-1',
    registers,
  });
  const sent = new Counter({
    name: 'sluice_firehose_sent_messages_total',
    help: 'Messages sent on streams that have ended',
    registers,
  });
  const sentBytes = new Counter({
    name: 'sluice_firehose_sent_bytes_total',
    help: 'Bytes of message frames sent on streams that have ended',
    registers,
  });
  const ended = new Counter({
    name: 'sluice_firehose_streams_ended_total',
    help: 'Streams that have ended, by reason; gone: the client closed the connection',
    labelNames: ['reason'],
    registers,
  });
  new Gauge({
    name: 'sluice_firehose_streams',
    help: 'Open streams',
    registers,
    collect() {
      this.set(openStreams());
    },
  });
  return {
    journaled(messages, size, repeated) {
      journaled.inc(messages);
      bytes.inc(size);
      duplicates.inc(repeated);
    },
    poisoned: () => poisoned.inc(),
    ended(reason, messages, size) {
      ended.inc({ reason });
      sent.inc(messages);
      sentBytes.inc(size);
    },
  };
}
