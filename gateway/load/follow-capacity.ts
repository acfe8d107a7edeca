/**
 * Keeps the load signal up to date from capacity-1.
 *
 * Unlike followTopic it does not wait until what is there has been read: reports come again every second, so a gateway that
 * starts need not be held up by a topic whose tail was compacted away.
 */
import type { Log } from '../../protocol/log/log.ts';
import { CAPACITY_TOPIC } from '../../protocol/log/topics.ts';
import type { LoadSignal } from './load-signal.ts';

/** @param onError told of faults of the log that are being retried @returns how to stop */
export async function followCapacity(
  log: Log,
  signal: LoadSignal,
  onError: (error: unknown) => void,
): Promise<() => Promise<void>> {
  const watermarks = await log.watermarks(CAPACITY_TOPIC);
  const subscription = await log.follow({
    topic: CAPACITY_TOPIC,
    from: new Map(watermarks.map(({ partition, earliest }) => [partition, earliest])),
    onBatch: async ({ records }) => {
      for (const record of records) signal.apply(record);
    },
    onError,
  });
  subscription.ended.catch(onError);
  return () => subscription.close();
}
