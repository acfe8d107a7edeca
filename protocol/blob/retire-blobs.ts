/** Removes blobs whose events the log has let go of. */
import type { Logger } from 'pino';
import type { BlobStore } from './blob-store.ts';

const INTERVAL_MS = 3_600_000;

/**
 * Looks once an hour, from now on.
 *
 * @param keepMs how long a blob is kept after it was last written: longer than the log keeps the event that names it
 * @returns stops it
 */
export function retireBlobs(store: BlobStore, keepMs: number, logger: Logger): () => void {
  const retire = () =>
    store.retireBefore(Date.now() - keepMs).then(
      (retired) => retired > 0 && logger.info({ retired }, 'blobs retired'),
      (error: unknown) => logger.warn({ err: error }, 'blobs could not be retired; the next hour tries again'),
    );
  const timer = setInterval(retire, INTERVAL_MS);
  timer.unref();
  void retire();
  return () => clearInterval(timer);
}
