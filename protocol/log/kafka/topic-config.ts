/** A topic's definition as Kafka's topic settings, and back. */
import type { TopicDefinition } from '../log.ts';

/**
 * Kafka limits batches, the contract limits values: this is what key, headers and framing of a record, and the little by
 * which compression may fail, can add.
 */
const BATCH_OVERHEAD_BYTES = 256 << 10;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export function configOf(definition: TopicDefinition): Record<string, string> {
  const { kind, retentionMs, retentionBytes, maxMessageBytes, replication } = definition;
  const policy = kind === 'events' ? 'delete' : retentionMs === undefined ? 'compact' : 'compact,delete';
  return {
    'cleanup.policy': policy,
    'retention.ms': String(retentionMs ?? -1),
    'retention.bytes': String(retentionBytes ?? -1),
    'max.message.bytes': String(maxMessageBytes + BATCH_OVERHEAD_BYTES),
    // The log's own time, which never falls within a partition: offsets are looked up by it.
    'message.timestamp.type': 'LogAppendTime',
    // Only closed segments are deleted or compacted.
    'segment.ms': String(Math.min(Math.max((retentionMs ?? DAY) / 4, 10 * MINUTE), DAY)),
    'min.insync.replicas': String(Math.max(1, replication - 1)),
    ...(kind === 'entity' && { 'min.cleanable.dirty.ratio': '0.1' }),
  };
}

/** The owner is not something that Kafka knows: it is '' in what comes back. */
export function definitionOf(
  topic: { readonly name: string; readonly partitions: number; readonly replication: number },
  config: ReadonlyMap<string, string>,
): TopicDefinition {
  const limit = (key: string) => {
    const value = Number(config.get(key) ?? -1);
    return value < 0 ? undefined : value;
  };
  return {
    name: topic.name,
    partitions: topic.partitions,
    replication: topic.replication,
    kind: config.get('cleanup.policy')?.includes('compact') ? 'entity' : 'events',
    retentionMs: limit('retention.ms'),
    retentionBytes: limit('retention.bytes'),
    maxMessageBytes: Math.max(1, (limit('max.message.bytes') ?? 1 << 20) - BATCH_OVERHEAD_BYTES),
    owner: '',
  };
}
