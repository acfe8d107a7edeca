/**
 * Notices that another manifest is to be used, and sees to it that it is: one change at a time, the newest last.
 *
 * A manifest that cannot be used is reported once and tried again when it changes or when an operator asks (SIGHUP): its
 * files may have come after it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ManifestSource } from './manifest.ts';

export interface FollowManifestOptions {
  /** Milliseconds between two looks. */
  readonly everyMs: number;
  readonly find: () => Promise<ManifestSource>;
  /** The one in use at the start. */
  readonly current: ManifestSource;
  /** Resolves when the manifest is in use; rejects when it cannot be used. */
  readonly use: (manifest: ManifestSource) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

export interface ManifestFollower {
  /** Look now, and try even what could not be used before. */
  lookNow(): void;
  /** Looks no more. Resolves when a change that is under way is over. */
  close(): Promise<void>;
}

export function followManifest(options: FollowManifestOptions): ManifestFollower {
  const closing = new AbortController();
  let { current } = options;
  let given: string | undefined;
  let awake = new AbortController();

  const look = async () => {
    const found = await options.find();
    const id = `${found.folder.href}\n${found.text}`;
    if (id === `${current.folder.href}\n${current.text}` || id === given) return;
    given = id;
    await options.use(found);
    current = found;
  };
  const looking = (async () => {
    let reported = '';
    while (!closing.signal.aborted) {
      awake = new AbortController();
      await sleep(options.everyMs, undefined, { signal: AbortSignal.any([awake.signal, closing.signal]) }).catch(
        () => {},
      );
      if (closing.signal.aborted) return;
      if (awake.signal.aborted) [given, reported] = [undefined, ''];
      try {
        await look();
        reported = '';
      } catch (error) {
        // The same fault at every look is said once.
        if (String(error) !== reported) options.onError(error);
        reported = String(error);
      }
    }
  })();
  return {
    lookNow: () => awake.abort(),
    async close() {
      closing.abort();
      await looking;
    },
  };
}
