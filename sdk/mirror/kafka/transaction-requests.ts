/** The four requests of Kafka's transactions, as its protocol guide has them (https://kafka.apache.org/protocol). */

import type { KafkaRequest } from '../../../protocol/log/kafka/requests.ts';
import { WireReader, WireWriter } from '../../../protocol/log/kafka/wire.ts';
import type { TopicPartition } from '../../../protocol/log/log.ts';

/** Who may write under a transactional id now; a later one with the same id has a higher epoch, and fences this one. */
export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

const TRANSACTION_COORDINATOR = 1;

/** Error codes of the protocol are 0 where all is well. */
export function findTransactionCoordinator(
  transactionalId: string,
): KafkaRequest<{ readonly error: number; readonly node: number }> {
  const body = new WireWriter().string(transactionalId).int8(TRANSACTION_COORDINATOR);
  return {
    name: 'FindCoordinator',
    apiKey: 10,
    version: 1,
    body,
    waitMs: 0,
    decode: (answer) => {
      const reader = new WireReader(answer);
      reader.int32(); // throttle time
      const error = reader.int16();
      reader.string(); // message
      return { error, node: reader.int32() };
    },
  };
}

/** Ends what the one before has left open, and fences it. */
export function initProducerId(
  transactionalId: string,
  transactionTimeoutMs: number,
): KafkaRequest<ProducerIdentity & { readonly error: number }> {
  const body = new WireWriter().string(transactionalId).int32(transactionTimeoutMs);
  return {
    name: 'InitProducerId',
    apiKey: 22,
    version: 1,
    body,
    waitMs: 0,
    decode: (answer) => {
      const reader = new WireReader(answer);
      reader.int32(); // throttle time
      return { error: reader.int16(), producerId: BigInt(reader.int64()), producerEpoch: reader.int16() };
    },
  };
}

/** @returns the error of each partition */
export function addPartitionsToTransaction(
  transactionalId: string,
  identity: ProducerIdentity,
  partitions: readonly TopicPartition[],
): KafkaRequest<number[]> {
  const body = identified(transactionalId, identity);
  body.array([...Map.groupBy(partitions, ({ topic }) => topic)], ([topic, ofTopic]) => {
    body.string(topic).array(ofTopic, ({ partition }) => body.int32(partition));
  });
  return {
    name: 'AddPartitionsToTxn',
    apiKey: 24,
    version: 1,
    body,
    waitMs: 0,
    decode: (answer) => {
      const reader = new WireReader(answer);
      reader.int32(); // throttle time
      return reader
        .array(() => {
          reader.string(); // topic
          return reader.array(() => {
            reader.int32(); // partition
            return reader.int16();
          });
        })
        .flat();
    },
  };
}

/** Commits. A transaction that is to be aborted is left open: the next `initProducerId` ends it. */
export function commitTransaction(transactionalId: string, identity: ProducerIdentity): KafkaRequest<number> {
  return {
    name: 'EndTxn',
    apiKey: 26,
    version: 1,
    body: identified(transactionalId, identity).int8(1),
    waitMs: 0,
    decode: (answer) => {
      const reader = new WireReader(answer);
      reader.int32(); // throttle time
      return reader.int16();
    },
  };
}

function identified(transactionalId: string, { producerId, producerEpoch }: ProducerIdentity): WireWriter {
  return new WireWriter().string(transactionalId).int64(Number(producerId)).int16(producerEpoch);
}
