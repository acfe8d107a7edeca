/** Push and the firehose as processes on a real Kafka broker. */
import { inject } from 'vitest';
import { sharedKafka } from '../kafka/shared-kafka.ts';
import { pushOnLog } from './push-on-log.ts';

pushOnLog(inject('kafkaIsHere'), sharedKafka);
