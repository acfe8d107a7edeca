/** The Kafka log against the contract, on a real broker. */
import { sharedKafka } from '../kafka/shared-kafka.ts';
import { logContract } from './log.ts';

logContract('Kafka log', async () => ({ kind: 'kafka', kafka: await sharedKafka() }));
