/** The topics that the services share (docs/architecture.md). The name's suffix is the version of the topic's contract. */
import type { TopicDefinition } from './log.ts';

export const INGEST_TOPIC = 'ingest-1';
export const RESULTS_TOPIC = 'results-1';
export const DEAD_LETTER_TOPIC = 'dead-letter-1';
export const CLIENTS_TOPIC = 'clients-1';
export const CAPACITY_TOPIC = 'capacity-1';
export const CONSUMERS_TOPIC = 'consumers-1';
export const NODES_TOPIC = 'nodes-1';

const HOUR = 3_600_000;
const MIB = 1 << 20;

export interface TopicSizing {
  /** Partitions of the two event topics; entity topics have one. */
  readonly partitions: number;
  readonly replication: number;
  /** How long results-1 keeps its records; must not be shorter than the journal's retention. */
  readonly resultsRetentionMs: number;
  /** How long ingest-1 keeps images that every service has long since seen. */
  readonly ingestRetentionMs: number;
  /** Largest record of ingest-1: the cap for inline images and their envelope. */
  readonly maxImageMessageBytes: number;
}

export function topicDefinitions(sizing: TopicSizing): TopicDefinition[] {
  const { partitions, replication } = sizing;
  return [
    {
      name: INGEST_TOPIC,
      kind: 'events',
      owner: 'gateway',
      partitions,
      replication,
      retentionMs: sizing.ingestRetentionMs,
      retentionBytes: undefined,
      maxMessageBytes: sizing.maxImageMessageBytes,
    },
    {
      name: RESULTS_TOPIC,
      kind: 'events',
      owner: 'vision',
      partitions,
      replication,
      retentionMs: sizing.resultsRetentionMs,
      retentionBytes: undefined,
      maxMessageBytes: MIB,
    },
    {
      name: DEAD_LETTER_TOPIC,
      kind: 'events',
      owner: 'vision',
      partitions: 1,
      replication,
      retentionMs: 30 * 24 * HOUR,
      retentionBytes: undefined,
      // A dead letter holds the whole source record.
      maxMessageBytes: sizing.maxImageMessageBytes + MIB,
    },
    {
      name: CLIENTS_TOPIC,
      kind: 'entity',
      owner: 'gateway',
      partitions: 1,
      replication,
      retentionMs: undefined,
      retentionBytes: undefined,
      maxMessageBytes: MIB,
    },
    {
      name: CAPACITY_TOPIC,
      kind: 'entity',
      owner: 'vision',
      partitions: 1,
      replication,
      retentionMs: HOUR,
      retentionBytes: undefined,
      maxMessageBytes: MIB,
    },
    {
      name: CONSUMERS_TOPIC,
      kind: 'entity',
      owner: 'firehose',
      partitions: 1,
      replication,
      retentionMs: undefined,
      retentionBytes: undefined,
      maxMessageBytes: MIB,
    },
    {
      name: NODES_TOPIC,
      kind: 'entity',
      owner: 'firehose',
      partitions: 1,
      replication,
      retentionMs: HOUR,
      retentionBytes: undefined,
      maxMessageBytes: MIB,
    },
  ];
}
