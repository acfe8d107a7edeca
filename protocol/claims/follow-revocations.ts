/** Keeps a process's revocations up to date from the log. */
import type { Log, Subscription } from '../log/log.ts';
import { CLIENTS_TOPIC } from '../log/topics.ts';
import { Revocations } from './revocations.ts';

export interface FollowedRevocations {
  readonly revocations: Revocations;
  close(): Promise<void>;
}

/** Resolves once everything that the topic held at the call is known. @param onError told of faults of the log that are being retried */
export async function followRevocations(log: Log, onError: (error: unknown) => void): Promise<FollowedRevocations> {
  const revocations = new Revocations();
  const watermarks = await log.watermarks(CLIENTS_TOPIC);
  const missing = new Map(watermarks.filter(({ earliest, end }) => earliest < end).map((it) => [it.partition, it.end]));
  const caughtUp = Promise.withResolvers<void>();
  const subscription: Subscription = await log.follow({
    topic: CLIENTS_TOPIC,
    from: new Map(watermarks.map(({ partition, earliest }) => [partition, earliest])),
    onBatch: async ({ partition, records, end }) => {
      for (const record of records) revocations.apply(record);
      const next = records.at(-1)!.offset + 1;
      // What compaction took away at the end never comes: then the batch reaches the head all the same.
      if (next >= (missing.get(partition) ?? 0) || next >= end) missing.delete(partition);
      if (missing.size === 0) caughtUp.resolve();
    },
    onError,
  });
  if (missing.size === 0) caughtUp.resolve();
  await Promise.race([caughtUp.promise, subscription.ended]);
  return { revocations, close: () => subscription.close() };
}
