/** What the firehose tells Prometheus. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { PartitionReport } from './nodes/partition-standing.ts';

export interface FirehoseMetrics {
  journaled(messages: number, bytes: number, duplicates: number): void;
  poisoned(): void;
  ended(reason: string, messages: number, bytes: number): void;
  /** A request that another node has the journal for. */
  sentElsewhere(how: 'redirected' | 'forwarded' | 'failed'): void;
}

/** What is asked when somebody looks at the metrics. */
export interface FirehoseState {
  openStreams(): number;
  /** Of the partitions held. */
  partitions(): readonly (readonly [partition: number, report: PartitionReport])[];
  /** Firehose nodes that are up, as far as this one has heard. */
  nodes(): number;
  /** HTTP/2 connections ended since the last call because they took nothing of what was given up on them. */
  takeConnectionsGivenUp(): number;
}

export function firehoseMetrics(registry: Registry, state: FirehoseState): FirehoseMetrics {
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
      this.set(state.openStreams());
    },
  });
  const elsewhere = new Counter({
    name: 'sluice_firehose_elsewhere_total',
    help: 'Requests that another node has the journal for, by what became of them: redirected, forwarded, failed (it did not answer)',
    labelNames: ['how'],
    registers,
  });
  new Gauge({
    name: 'sluice_firehose_nodes',
    help: 'Firehose nodes that are up, as far as this one has heard',
    registers,
    collect() {
      this.set(state.nodes());
    },
  });
  new Counter({
    name: 'sluice_firehose_http2_given_up_total',
    help: 'HTTP/2 connections ended because they took nothing while more than 16 MiB of ended streams were on their way',
    registers,
    collect() {
      this.inc(state.takeConnectionsGivenUp());
    },
  });
  registerPartitionMetrics(registry, state);
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
    sentElsewhere: (how) => elsewhere.inc({ how }),
  };
}

function registerPartitionMetrics(registry: Registry, { partitions }: FirehoseState): void {
  const labelNames = ['partition'];
  const registers = [registry];
  new Gauge({
    name: 'sluice_firehose_partition_ready',
    help: '1 where the journal of the partition is caught up with the log, 0 where it is rebuilt or catches up',
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const [partition, { state }] of partitions()) this.set({ partition }, state === 'ready' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'sluice_firehose_partition_lag_records',
    help: 'Records of results-1 that are not in the journal of the partition yet',
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const [partition, { lag }] of partitions()) this.set({ partition }, lag);
    },
  });
  new Gauge({
    name: 'sluice_firehose_partition_progress_ratio',
    help: 'How far a journal that is rebuilt or catches up has come, 0 to 1; 1 where it is ready',
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const [partition, { progress }] of partitions()) this.set({ partition }, progress);
    },
  });
}
