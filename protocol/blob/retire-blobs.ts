/** Removes blobs whose events the log has let go of. */
import type { Logger } from 'pino';
import type { BlobStore } from './blob-store.ts';

const INTERVAL_MS = 3_600_000;

/**
 * Looks once an hour, from now on.
 *
 * @param keepMs asked each time: how long a blob is kept after it was last written, longer than the log keeps the event that
 * names it. Infinite: for ever
 * @returns stops it
 */
export function retireBlobs(store: BlobStore, keepMs: () => Promise<number>, logger: Logger): () => void {
  const retire = async () => {
    try {
      const keep = await keepMs();
      const retired = Number.isFinite(keep) ? await store.retireBefore(Date.now() - keep) : 0;
      if (retired > 0) logger.info({ retired }, 'blobs retired');
    } catch (error) {
      logger.warn({ err: error }, 'blobs could not be retired; the next hour tries again');
    }
  };
  const timer = setInterval(retire, INTERVAL_MS);
  timer.unref();
  void retire();
  return () => clearInterval(timer);
}
