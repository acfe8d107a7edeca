/**
 * The latest committed record of a key in one partition: records of transactions that were aborted do not count.
 *
 * The fetcher of the log leaves transactions aside, because the log writes none; so the batches are gone through here.
 */
import type { KafkaClient } from '../../../protocol/log/kafka/client.ts';
import { faultOfCode } from '../../../protocol/log/kafka/connections.ts';
import { listOffsets } from '../../../protocol/log/kafka/offsets.ts';
import { batchParts, type DecodedRecord, decodeBatches } from '../../../protocol/log/kafka/record-batch.ts';
import { fetchRequest } from '../../../protocol/log/kafka/requests.ts';
import { retryFaults } from '../../../protocol/log/kafka/retry.ts';
import type { TopicDirectory } from '../../../protocol/log/kafka/topic-directory.ts';
import type { TopicPartition } from '../../../protocol/log/log.ts';

const EARLIEST = -2;
const END = -1;
const WAIT_MS = 500;
const ANSWER_BYTES = 4 << 20;
const TRIES_MS = 15_000;

/**
 * Reads the partition from its beginning to where it is decided what is committed: meant for small, compacted topics.
 *
 * @returns undefined where the key has no record, or was deleted last
 * @throws {LogUnavailableError | KafkaFault | UnknownTopicError}
 */
export async function lastCommitted(
  client: KafkaClient,
  directory: TopicDirectory,
  source: TopicPartition,
  key: string,
): Promise<Buffer | undefined> {
  const offsetAt = (timestamp: number) =>
    retryFaults(TRIES_MS, async () => {
      const [found] = await listOffsets(client, await directory.leader(source), [source], timestamp);
      return found!.offset;
    });
  const committed = new CommittedValue(key);
  const end = await offsetAt(END);
  for (let position = await offsetAt(EARLIEST); position < end; ) {
    const records = await retryFaults(TRIES_MS, () => fetchAt(client, directory, source, position));
    for (const { batch, producerId, part } of batchParts(records)) {
      const decoded = await decodeBatches(batch, position);
      position = Math.max(position, decoded.next);
      committed.take(producerId, part, decoded.records);
    }
  }
  return committed.value;
}

async function fetchAt(
  client: KafkaClient,
  directory: TopicDirectory,
  source: TopicPartition,
  offset: number,
): Promise<Buffer> {
  const leader = await directory.leader(source);
  const request = fetchRequest([{ ...source, offset, maxBytes: ANSWER_BYTES }], WAIT_MS, ANSWER_BYTES);
  const [set] = await client.send(leader, 'fetch busy', request);
  const fault = faultOfCode(set?.error ?? -1);
  if (fault === undefined) return set!.records;
  directory.forget(source.topic);
  throw fault;
}

/** What a key has come to, batch after batch: a transaction counts from its commit on, and one that was aborted not at all. */
export class CommittedValue {
  readonly #key: string;
  /** By producer: the value that its open transaction would give the key. */
  readonly #open = new Map<bigint, Buffer | null>();
  #value: Buffer | null = null;

  constructor(key: string) {
    this.#key = key;
  }

  get value(): Buffer | undefined {
    return this.#value ?? undefined;
  }

  take(
    producerId: bigint,
    part: 'plain' | 'transactional' | 'commit' | 'abort',
    records: readonly DecodedRecord[],
  ): void {
    if (part === 'commit' && this.#open.has(producerId)) this.#value = this.#open.get(producerId)!;
    if (part === 'commit' || part === 'abort') this.#open.delete(producerId);
    for (const { key, value } of records) {
      if (key !== this.#key) continue;
      if (part === 'transactional') this.#open.set(producerId, value);
      else this.#value = value;
    }
  }
}
