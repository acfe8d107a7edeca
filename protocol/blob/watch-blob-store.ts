/**
 * Says in /readyz whether the blob store can be used.
 *
 * Not ready until it has answered once: a wrong bucket or password shows at deployment. Once it has, an outage is told but takes
 * nobody out of service: small images need no blob store, and every process shares the same one.
 */
import type { Logger } from 'pino';
import type { RunningRole } from '../role.ts';
import type { BlobStore } from './blob-store.ts';

const CHECK_EVERY_MS = 15_000;
const FIRST_CHECKS_EVERY_MS = 1000;

export function watchBlobStore(store: BlobStore, logger: Logger): RunningRole {
  let hasAnswered = false;
  let fault: string | undefined = 'has not answered yet';
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const check = async () => {
    try {
      await store.check();
      if (hasAnswered && fault !== undefined) logger.info({ store: store.name }, 'the blob store can be used again');
      hasAnswered = true;
      fault = undefined;
    } catch (error) {
      if (fault !== String(error)) logger.error({ err: error, store: store.name }, 'the blob store cannot be used');
      fault = String(error);
    }
    if (!isStopped) timer = setTimeout(check, hasAnswered ? CHECK_EVERY_MS : FIRST_CHECKS_EVERY_MS);
    timer?.unref();
  };
  const firstCheck = check();
  return {
    name: 'blobs',
    readiness: () => ({
      ready: hasAnswered,
      detail: fault === undefined ? store.name : `${store.name}: ${fault}; images above the inline limit wait`,
    }),
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await firstCheck;
    },
  };
}
