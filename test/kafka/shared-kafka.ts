/** The Kafka broker that all test files of a run share. */
import { Value } from 'typebox/value';
import { inject } from 'vitest';
import { KafkaSettings } from '../../protocol/log/kafka/settings.ts';

/** Settings with short sessions, so that tests of dead members are quick. Starts the broker where it does not run yet. */
export async function sharedKafka(): Promise<KafkaSettings> {
  const response = await fetch(inject('kafkaOnDemand'));
  const { bootstrap, error } = (await response.json()) as { bootstrap?: string[]; error?: string };
  if (bootstrap === undefined) throw new Error(error);
  return { ...(Value.Default(KafkaSettings, {}) as KafkaSettings), brokers: bootstrap, sessionTimeoutMs: 2000 };
}
