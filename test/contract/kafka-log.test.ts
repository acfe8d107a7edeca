/** The Kafka log against the contract, on a real broker. */
import { describe, inject } from 'vitest';
import { sharedKafka } from '../kafka/shared-kafka.ts';
import { logContract } from './log.ts';
import { manyGroupsContract } from './many-groups.ts';

describe.skipIf(!inject('kafkaIsHere'))('on a real broker', () => {
  const settings = async () => ({ kind: 'kafka', kafka: await sharedKafka() }) as const;
  logContract('Kafka log', settings);
  manyGroupsContract('Kafka log', settings);
});
