/** Keeps a process's view of an entity topic up to date: everything from the start, then every change as it comes. */
import type { Log, LogRecord, Subscription } from './log.ts';

/**
 * Resolves once everything that the topic held at the call has been told.
 *
 * @param onError told of faults of the log that are being retried
 */
export async function followTopic(
  log: Log,
  topic: string,
  onRecord: (record: LogRecord) => void,
  onError: (error: unknown) => void,
): Promise<Subscription> {
  const watermarks = await log.watermarks(topic);
  const missing = new Map(watermarks.filter((it) => it.earliest < it.end).map((it) => [it.partition, it.end]));
  const caughtUp = Promise.withResolvers<void>();
  const subscription = await log.follow({
    topic,
    from: new Map(watermarks.map(({ partition, earliest }) => [partition, earliest])),
    onBatch: async ({ partition, records, end }) => {
      for (const record of records) onRecord(record);
      const next = records.at(-1)!.offset + 1;
      // What compaction took away at the end never comes: then the batch reaches the head all the same.
      if (next >= (missing.get(partition) ?? 0) || next >= end) missing.delete(partition);
      if (missing.size === 0) caughtUp.resolve();
    },
    onError,
  });
  if (missing.size === 0) caughtUp.resolve();
  await Promise.race([caughtUp.promise, subscription.ended]);
  return subscription;
}
