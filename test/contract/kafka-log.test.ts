/** The Kafka log against the contract, on a real broker. */
import { describe, inject } from 'vitest';
import { sharedKafka } from '../kafka/shared-kafka.ts';
import { logContract } from './log.ts';

describe.skipIf(!inject('kafkaIsHere'))('on a real broker', () => {
  logContract('Kafka log', async () => ({ kind: 'kafka', kafka: await sharedKafka() }));
});
