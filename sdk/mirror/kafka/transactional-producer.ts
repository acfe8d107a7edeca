/**
 * Writes records to partitions of several topics in one transaction after the other: all of a transaction or nothing of it
 * shows to who reads committed records only.
 *
 * Whatever goes wrong beyond what repeating the same request mends leaves the transaction open and this producer of no more
 * use; the next one with the same id ends it and fences this one. So nothing is ever aborted here, and what a killed
 * process had begun is treated like what a failed one had.
 */
import type { KafkaClient } from '../../../protocol/log/kafka/client.ts';
import type { Compression } from '../../../protocol/log/kafka/compression.ts';
import { faultOfCode } from '../../../protocol/log/kafka/connections.ts';
import { isFault, KafkaFault } from '../../../protocol/log/kafka/fault.ts';
import { encodeBatch } from '../../../protocol/log/kafka/record-batch.ts';
import { type KafkaRequest, produceRequest } from '../../../protocol/log/kafka/requests.ts';
import { retryFaults } from '../../../protocol/log/kafka/retry.ts';
import type { TopicDirectory } from '../../../protocol/log/kafka/topic-directory.ts';
import type { ProduceRecord, TopicPartition } from '../../../protocol/log/log.ts';
import {
  addPartitionsToTransaction,
  commitTransaction,
  findTransactionCoordinator,
  initProducerId,
  type ProducerIdentity,
} from './transaction-requests.ts';

/** What the coordinator gives a transaction: longer than all tries of a transaction's requests together. */
const TRANSACTION_TIMEOUT_MS = 60_000;
const TRIES_MS = 15_000;
const ACKNOWLEDGE_TIMEOUT_MS = 10_000;

/** Records for one partition, in order; not more than a batch may hold. */
export interface Parcel extends TopicPartition {
  /** At least one. */
  readonly records: readonly ProduceRecord[];
}

export interface TransactionalProducerOptions {
  readonly client: KafkaClient;
  readonly directory: TopicDirectory;
  readonly transactionalId: string;
  readonly compression: Compression;
  readonly clock: () => number;
}

export class TransactionalProducer {
  readonly #options: TransactionalProducerOptions;
  readonly #identity: ProducerIdentity;
  readonly #sequences = new Map<string, number>();

  private constructor(options: TransactionalProducerOptions, identity: ProducerIdentity) {
    this.#options = options;
    this.#identity = identity;
  }

  /** Ends whatever the producer before has left open. @throws {LogUnavailableError | KafkaFault} */
  static async begin(options: TransactionalProducerOptions): Promise<TransactionalProducer> {
    const { transactionalId } = options;
    const identity = await askCoordinator(
      options,
      initProducerId(transactionalId, TRANSACTION_TIMEOUT_MS),
      (answer) => [answer.error],
    );
    return new TransactionalProducer(options, identity);
  }

  /**
   * One transaction. Parcels for the same partition are written in order.
   * @throws {LogUnavailableError} whether it was committed is unknown: begin another producer and look
   */
  async write(parcels: readonly Parcel[]): Promise<void> {
    const { transactionalId } = this.#options;
    const partitions = [
      ...new Map(parcels.map(({ topic, partition }) => [`${partition}/${topic}`, { topic, partition }])),
    ];
    const all = partitions.map(([, it]) => it);
    await askCoordinator(
      this.#options,
      addPartitionsToTransaction(transactionalId, this.#identity, all),
      (errors) => errors,
    );
    const ofPartition = Map.groupBy(parcels, ({ topic, partition }) => `${partition}/${topic}`);
    await Promise.all([...ofPartition.values()].map((queue) => this.#produceInOrder(queue)));
    await askCoordinator(this.#options, commitTransaction(transactionalId, this.#identity), (error) => [error]);
  }

  async #produceInOrder(queue: readonly Parcel[]): Promise<void> {
    for (const parcel of queue) await this.#produce(parcel);
  }

  /** Sent again it keeps its place in the numbering, so the broker knows a repetition. */
  async #produce({ topic, partition, records }: Parcel): Promise<void> {
    const { client, directory, compression, clock, transactionalId } = this.#options;
    const key = `${partition}/${topic}`;
    const baseSequence = this.#sequences.get(key) ?? 0;
    const options = { ...this.#identity, compression, baseSequence, timestamp: clock(), transactional: true };
    const batch = await encodeBatch(records, options);
    await retryFaults(TRIES_MS, async () => {
      const leader = await directory.leader({ topic, partition });
      const request = produceRequest([{ topic, partition, batch }], ACKNOWLEDGE_TIMEOUT_MS, transactionalId);
      const [produced] = await client.send(leader, 'control', request).catch((error: unknown) => {
        directory.forget(topic);
        throw error;
      });
      const fault = faultOfCode(produced?.error ?? -1);
      if (fault === undefined || isFault(fault, 'DUPLICATE_SEQUENCE_NUMBER')) return;
      directory.forget(topic);
      throw fault;
    });
    this.#sequences.set(key, (baseSequence + records.length) % 2 ** 31);
  }
}

/** Sends to who coordinates the transactional id now, until there is an answer that stands. */
async function askCoordinator<T>(
  { client, transactionalId }: TransactionalProducerOptions,
  request: KafkaRequest<T>,
  errorsOf: (answer: T) => readonly number[],
): Promise<T> {
  return retryFaults(TRIES_MS, async () => {
    const { brokers } = await client.metadata([]);
    const anyone = brokers[Math.floor(Math.random() * brokers.length)];
    if (anyone === undefined) throw new KafkaFault('CONNECTION', 'no broker is known', true);
    const found = await client.send(anyone.node, 'control', findTransactionCoordinator(transactionalId));
    const lost = faultOfCode(found.error);
    if (lost !== undefined) throw lost;
    const answer = await client.send(found.node, 'control', request);
    for (const code of errorsOf(answer)) {
      const fault = faultOfCode(code);
      if (fault !== undefined) throw fault;
    }
    return answer;
  });
}
