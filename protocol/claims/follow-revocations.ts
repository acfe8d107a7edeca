/** Keeps a process's revocations up to date from the log. */
import { followTopic } from '../log/follow-topic.ts';
import type { Log } from '../log/log.ts';
import { CLIENTS_TOPIC } from '../log/topics.ts';
import { Revocations } from './revocations.ts';

export interface FollowedRevocations {
  readonly revocations: Revocations;
  close(): Promise<void>;
}

/** Resolves once everything that the topic held at the call is known. @param onError told of faults of the log that are being retried */
export async function followRevocations(log: Log, onError: (error: unknown) => void): Promise<FollowedRevocations> {
  const revocations = new Revocations();
  const subscription = await followTopic(log, CLIENTS_TOPIC, (record) => revocations.apply(record), onError);
  return { revocations, close: () => subscription.close() };
}
