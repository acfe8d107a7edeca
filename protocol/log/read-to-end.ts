/** Reads what a topic holds now, once: for command-line tools, not for services. */
import type { Log, LogRecord } from './log.ts';

/**
 * Calls `onRecord` for every record from the earliest to the end as it is at the call, partitions side by side, each in
 * order. A compacted or retired record may be missing anywhere.
 */
export async function readToEnd(log: Log, topic: string, onRecord: (record: LogRecord) => void): Promise<void> {
  const unread = new Map<number, { from: number; end: number }>();
  for (const { partition, earliest, end } of await log.watermarks(topic))
    if (earliest < end) unread.set(partition, { from: earliest, end });
  if (unread.size === 0) return;

  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  const subscription = await log.follow({
    topic,
    from: new Map([...unread].map(([partition, { from }]) => [partition, from])),
    onBatch: async ({ partition, records, end: head }) => {
      const end = unread.get(partition)?.end;
      if (end === undefined) return;
      for (const record of records) if (record.offset < end) onRecord(record);
      // The last offsets may be gone by compaction: what is at or past the end, or the head itself, also ends the reading.
      const last = records.at(-1)!.offset;
      if (last >= end - 1 || last >= head - 1) unread.delete(partition);
      if (unread.size === 0) resolve();
    },
    onError: reject,
  });
  try {
    await Promise.race([done, subscription.ended]);
  } finally {
    await subscription.close();
  }
}
