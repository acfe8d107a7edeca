/** Reads what an entity or event topic holds now, once: for command-line tools, not for services. */
import { followTopic } from './follow-topic.ts';
import type { Log, LogRecord } from './log.ts';

/**
 * Calls `onRecord` for every record from the earliest to the end, partitions side by side, each in order. Records that are
 * produced meanwhile may be among them; a compacted or retired one may be missing anywhere.
 */
export async function readToEnd(log: Log, topic: string, onRecord: (record: LogRecord) => void): Promise<void> {
  const fault = Promise.withResolvers<never>();
  const reading = followTopic(log, topic, onRecord, fault.reject);
  reading.catch(() => {});
  const subscription = await Promise.race([reading, fault.promise]);
  await subscription.close();
}
