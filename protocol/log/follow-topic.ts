/** Keeps a process's view of an entity topic up to date: everything from the start, then every change as it comes. */
import type { Log, LogRecord, Subscription } from './log.ts';

/**
 * What compaction took away at the end of a partition never comes, and nothing tells how far back that reaches. A
 * topic from which nothing has come for so long is taken to have been read.
 */
const QUIET_MS = 5_000;

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
  const quiet = setTimeout(caughtUp.resolve, QUIET_MS);
  const subscription = await log.follow({
    topic,
    from: new Map(watermarks.map(({ partition, earliest }) => [partition, earliest])),
    onBatch: async ({ partition, records }) => {
      quiet.refresh();
      for (const record of records) onRecord(record);
      if (records.at(-1)!.offset + 1 >= (missing.get(partition) ?? 0)) missing.delete(partition);
      if (missing.size === 0) caughtUp.resolve();
    },
    onError(error) {
      // A log that cannot be read is not a topic that has been read.
      quiet.refresh();
      onError(error);
    },
  });
  if (missing.size === 0) caughtUp.resolve();
  await Promise.race([caughtUp.promise, subscription.ended]);
  clearTimeout(quiet);
  return subscription;
}
