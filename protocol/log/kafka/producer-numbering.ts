/**
 * A producer's numbering of its records: who the brokers take us for, and how many records they have of us, by partition.
 * A batch that comes again under its number is known as a repetition.
 */
import type { TopicPartition } from '../log.ts';
import type { KafkaClient } from './client.ts';
import { REQUEST_TIMEOUT_MS } from './connections.ts';
import { isFault } from './fault.ts';

export class ProducerNumbering {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly #sequences = new Map<string, number>();

  private constructor(producerId: bigint, producerEpoch: number) {
    this.producerId = producerId;
    this.producerEpoch = producerEpoch;
  }

  /** As a producer that no broker has seen. @throws {KafkaFault} */
  static async begin(client: KafkaClient): Promise<ProducerNumbering> {
    const { producerId, producerEpoch } = await client.onAny((broker) =>
      broker.initProducerId({ transactionTimeout: REQUEST_TIMEOUT_MS }),
    );
    return new ProducerNumbering(BigInt(producerId), producerEpoch);
  }

  /** Number of the next record for the partition. */
  next(partition: TopicPartition): number {
    return this.#sequences.get(keyOf(partition)) ?? 0;
  }

  acknowledged(partition: TopicPartition, records: number): void {
    this.#sequences.set(keyOf(partition), (this.next(partition) + records) % 2 ** 31);
  }
}

/** Whether a broker has lost or refuses the numbering. */
export function isNumberingFault(error: unknown): boolean {
  return isFault(
    error,
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    'UNKNOWN_PRODUCER_ID',
    'INVALID_PRODUCER_EPOCH',
    'DUPLICATE_SEQUENCE_NUMBER',
  );
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${partition}/${topic}`;
}
