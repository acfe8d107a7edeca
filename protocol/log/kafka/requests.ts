/**
 * The three requests that this log writes and reads itself: Metadata, because only newer versions of it name the
 * incarnation of a topic, and Produce and Fetch, because every byte passes through them.
 */
import { WireReader, WireWriter } from './wire.ts';

/** A request of Kafka's protocol: how to write it, and how to read the answer to it. */
export interface KafkaRequest<T> {
  readonly name: string;
  readonly apiKey: number;
  readonly version: number;
  readonly body: WireWriter;
  /** How long the broker may take, beyond what every request may take. */
  readonly waitMs: number;
  decode(answer: Buffer): T;
}

export interface Metadata {
  readonly brokers: readonly { readonly node: number; readonly host: string; readonly port: number }[];
  readonly controller: number;
  readonly topics: readonly TopicMetadata[];
}

export interface TopicMetadata {
  readonly error: number;
  readonly name: string;
  /** Names the incarnation of the topic: 32 hexadecimal digits. */
  readonly id: string;
  readonly internal: boolean;
  /** In no particular order. */
  readonly partitions: readonly { readonly partition: number; readonly leader: number; readonly replicas: number }[];
}

/** @param topics undefined: all of them */
export function metadataRequest(topics: readonly string[] | undefined): KafkaRequest<Metadata> {
  const body = new WireWriter().noTags(); // the end of the request's header
  body.compactArray(topics ?? null, (topic) => {
    body.raw(Buffer.alloc(16)).compactString(topic).noTags();
  });
  body.int8(0).int8(0).noTags(); // create nothing, no authorized operations
  return { name: 'Metadata', apiKey: 3, version: 12, body, waitMs: 0, decode: decodeMetadata };
}

function decodeMetadata(answer: Buffer): Metadata {
  const reader = new WireReader(answer);
  reader.skipTags();
  reader.int32(); // throttle time
  const brokers = reader.compactArray(() => {
    const broker = { node: reader.int32(), host: reader.compactString() ?? '', port: reader.int32() };
    reader.compactString(); // rack
    reader.skipTags();
    return broker;
  });
  reader.compactString(); // cluster
  const controller = reader.int32();
  const topics = reader.compactArray(() => {
    const topic = {
      error: reader.int16(),
      name: reader.compactString() ?? '',
      id: reader.raw(16).toString('hex'),
      internal: reader.int8() !== 0,
      partitions: reader.compactArray(() => {
        reader.int16(); // error: a leader that is missing is -1
        const partition = reader.int32();
        const leader = reader.int32();
        reader.int32(); // leader epoch
        const replicas = reader.compactArray(() => reader.int32()).length;
        reader.compactArray(() => reader.int32()); // in-sync replicas
        reader.compactArray(() => reader.int32()); // offline replicas
        reader.skipTags();
        return { partition, leader, replicas };
      }),
    };
    reader.int32(); // authorized operations
    reader.skipTags();
    return topic;
  });
  return { brokers, controller, topics };
}

export interface ProduceBatch {
  readonly topic: string;
  readonly partition: number;
  readonly batch: Buffer;
}

export interface ProducedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly error: number;
  readonly baseOffset: number;
}

/**
 * Acknowledged by every in-sync replica.
 *
 * @param transactionalId whose open transaction the batches are part of; null for none
 */
export function produceRequest(
  batches: readonly ProduceBatch[],
  timeoutMs: number,
  transactionalId: string | null = null,
): KafkaRequest<ProducedBatch[]> {
  const body = new WireWriter().string(transactionalId).int16(-1).int32(timeoutMs);
  body.array([...Map.groupBy(batches, ({ topic }) => topic)], ([topic, ofTopic]) => {
    body.string(topic).array(ofTopic, ({ partition, batch }) => {
      body.int32(partition).bytes(batch);
    });
  });
  return {
    name: 'Produce',
    apiKey: 0,
    version: 7,
    body,
    waitMs: timeoutMs,
    decode: (answer) => {
      const reader = new WireReader(answer);
      return reader
        .array(() => {
          const topic = reader.string() ?? '';
          return reader.array(() => {
            const produced = { topic, partition: reader.int32(), error: reader.int16(), baseOffset: reader.int64() };
            reader.int64(); // append time
            reader.int64(); // start of the log
            return produced;
          });
        })
        .flat();
    },
  };
}

export interface FetchPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly maxBytes: number;
}

export interface FetchedSet {
  readonly topic: string;
  readonly partition: number;
  readonly error: number;
  readonly end: number;
  readonly earliest: number;
  /** Whole batches and perhaps the beginning of one more. */
  readonly records: Buffer;
}

/** @param waitMs how long the broker may hold the answer back where there is nothing to read */
export function fetchRequest(
  positions: readonly FetchPosition[],
  waitMs: number,
  maxBytes: number,
): KafkaRequest<FetchedSet[]> {
  const body = new WireWriter();
  body.int32(-1).int32(waitMs).int32(1).int32(maxBytes); // a consumer; at least one byte
  body.int8(1).int32(0).int32(-1); // committed records only; no fetch session
  body.array([...Map.groupBy(positions, ({ topic }) => topic)], ([topic, ofTopic]) => {
    body.string(topic).array(ofTopic, (position) => {
      body.int32(position.partition).int32(-1).int64(position.offset).int64(-1).int32(position.maxBytes);
    });
  });
  body.array([], () => undefined).string('');
  return { name: 'Fetch', apiKey: 1, version: 11, body, waitMs, decode: decodeFetched };
}

function decodeFetched(answer: Buffer): FetchedSet[] {
  const reader = new WireReader(answer);
  reader.int32(); // throttle time
  const error = reader.int16();
  reader.int32(); // session
  return reader
    .array(() => {
      const topic = reader.string() ?? '';
      return reader.array(() => {
        const partition = reader.int32();
        const ownError = reader.int16();
        const end = reader.int64();
        reader.int64(); // last stable offset
        const earliest = reader.int64();
        reader.array(() => {
          reader.int64(); // aborted transactions: there are none in these topics
          reader.int64();
        });
        reader.int32(); // preferred replica
        return { topic, partition, error: error === 0 ? ownError : error, end, earliest, records: reader.bytes() };
      });
    })
    .flat();
}
