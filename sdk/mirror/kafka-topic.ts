/**
 * A mirror in a topic of the consumer's own Kafka. Each batch of messages and the position behind it are one transaction,
 * the position as a record of a compacted topic beside: whoever reads committed records (`isolation.level=read_committed`)
 * sees every message once, however often this process dies. One that goes on although another has taken its name is
 * fenced by the brokers.
 *
 * A record: key = transaction, so that a transaction's messages keep their order; value = the message as JSON; headers
 * `type`, `id`, `epoch`, `offset` and `prev`.
 */
import { hostname } from 'node:os';
import { LogUnavailableError } from '../../protocol/log/errors.ts';
import { KafkaClient } from '../../protocol/log/kafka/client.ts';
import { isFault } from '../../protocol/log/kafka/fault.ts';
import { recordBytes } from '../../protocol/log/kafka/record-batch.ts';
import { retryFaults } from '../../protocol/log/kafka/retry.ts';
import type { KafkaSettings } from '../../protocol/log/kafka/settings.ts';
import { createTopic } from '../../protocol/log/kafka/topic-admin.ts';
import { TopicDirectory } from '../../protocol/log/kafka/topic-directory.ts';
import type { ProduceRecord } from '../../protocol/log/log.ts';
import { partitionOf } from '../../protocol/log/partitioner.ts';
import type { MirroredMessage, MirrorPosition, MirrorTarget } from '../client/mirror.ts';
import { lastCommitted } from './kafka/last-committed.ts';
import { type Parcel, TransactionalProducer } from './kafka/transactional-producer.ts';

export interface KafkaTopicOptions {
  /** Must exist. */
  readonly topic: string;
  /** Holds the positions of mirrors by their name; created where it is missing. Default: the topic's name with `-position` behind it. */
  readonly positionTopic?: string;
  /** Names this mirror, and is its transactional id: two that run under one name fence each other. Default: `sluice-mirror-` with the topic's name. */
  readonly name?: string;
}

export interface KafkaTopic extends MirrorTarget {
  close(): void;
}

/** Another mirror of this name has begun. */
export class MirrorFencedError extends Error {
  override readonly name = 'MirrorFencedError';
}

/** Of records in one batch; below what brokers take by default. A larger record is alone in its batch. */
const BATCH_BYTES = 512 << 10;
const TRIES_MS = 15_000;
const POSITION_TOPIC_CONFIG = {
  'cleanup.policy': 'compact',
  // It is read from its beginning at each start: small segments, cleaned soon, keep that quick.
  'segment.bytes': String(1 << 20),
  'min.cleanable.dirty.ratio': '0.1',
};

/**
 * Fences whoever has the name so far, then reads where it stood.
 *
 * @throws {UnknownTopicError} there is no such topic
 * @throws {LogUnavailableError} what may pass: open it anew
 */
export async function openKafkaTopic(settings: KafkaSettings, options: KafkaTopicOptions): Promise<KafkaTopic> {
  const { topic, positionTopic = `${topic}-position`, name = `sluice-mirror-${topic}` } = options;
  const client = new KafkaClient(settings, `sluice-mirror-${hostname()}-${process.pid}`);
  const directory = new TopicDirectory(client);
  try {
    const { partitions, replication } = await retryFaults(TRIES_MS, () => directory.topic(topic));
    await createPositionTopic(client, positionTopic, replication);
    const producer = await TransactionalProducer.begin({
      client,
      directory,
      transactionalId: name,
      compression: settings.compression,
      clock: Date.now,
    });
    const stored = await lastCommitted(client, directory, { topic: positionTopic, partition: 0 }, name);
    const position: MirrorPosition | undefined = stored && JSON.parse(stored.toString());
    return {
      position: async () => position,
      async append(messages: readonly MirroredMessage[], reached: MirrorPosition) {
        const record = { key: name, value: Buffer.from(JSON.stringify(reached)) };
        const parcels = parcelsOf(topic, partitions, messages, reached.epoch);
        await producer
          .write([...parcels, { topic: positionTopic, partition: 0, records: [record] }])
          .catch((error: unknown) => {
            throw explained(error, topic, name);
          });
      },
      close: () => client.close(),
    };
  } catch (error) {
    client.close();
    throw explained(error, topic, name);
  }
}

async function createPositionTopic(client: KafkaClient, name: string, replication: number): Promise<void> {
  try {
    await retryFaults(TRIES_MS, () =>
      createTopic(client, { name, partitions: 1, replication, config: POSITION_TOPIC_CONFIG }),
    );
  } catch (error) {
    if (!isFault(causeOf(error), 'TOPIC_ALREADY_EXISTS')) throw error;
  }
}

/** In the messages' order within each partition, split where a batch would get too large. */
function parcelsOf(topic: string, partitions: number, messages: readonly MirroredMessage[], epoch: string): Parcel[] {
  const parcels: { topic: string; partition: number; records: ProduceRecord[] }[] = [];
  const open = new Map<number, { records: ProduceRecord[]; bytes: number }>();
  for (const { message, json } of messages) {
    const { transaction, type, id, offset, prev } = message;
    const headers = { type, id, epoch, offset: String(offset), prev: String(prev) };
    const record = { key: transaction, value: Buffer.from(json), headers };
    const bytes = recordBytes(record);
    const partition = partitionOf(transaction, partitions);
    let parcel = open.get(partition);
    if (parcel === undefined || parcel.bytes + bytes > BATCH_BYTES) {
      parcel = { records: [], bytes: 0 };
      open.set(partition, parcel);
      parcels.push({ topic, partition, records: parcel.records });
    }
    parcel.records.push(record);
    parcel.bytes += bytes;
  }
  return parcels;
}

function explained(error: unknown, topic: string, name: string): unknown {
  const cause = causeOf(error);
  if (isFault(cause, 'INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED')) {
    return new MirrorFencedError(`another mirror named '${name}' has begun: this one ends`, { cause: error });
  }
  if (isFault(cause, 'MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE')) {
    return new Error(`topic '${topic}' does not take a message of this size: raise its max.message.bytes`, {
      cause: error,
    });
  }
  return error;
}

function causeOf(error: unknown): unknown {
  return error instanceof LogUnavailableError && error.cause !== undefined ? error.cause : error;
}
