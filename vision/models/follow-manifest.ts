/**
 * Notices that another manifest is to be used, and sees to it that it is: one change at a time, the newest last.
 *
 * A manifest that cannot be used is reported once and tried again when it changes or when an operator asks (SIGHUP): its
 * files may have come after it.
 */
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
  let inUse = idOf(options.current);
  /** The one that was tried last and failed. */
  let refused: string | undefined;
  let reported: string | undefined;
  let closed = false;
  let asked = false;
  let wake = () => {};

  const pause = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, options.everyMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const look = async () => {
    const found = await options.find();
    const id = idOf(found);
    if (id === refused) return;
    refused = undefined;
    if (id === inUse) return;
    refused = id;
    await options.use(found);
    [inUse, refused] = [id, undefined];
  };
  const looking = (async () => {
    while (!closed) {
      if (!asked) await pause();
      if (closed) return;
      if (asked) [refused, reported] = [undefined, undefined];
      asked = false;
      try {
        await look();
        reported = undefined;
      } catch (error) {
        // The same fault at every look is said once.
        if (String(error) !== reported) options.onError(error);
        reported = String(error);
      }
    }
  })();
  return {
    lookNow() {
      asked = true;
      wake();
    },
    async close() {
      closed = true;
      wake();
      await looking;
    },
  };
}

function idOf({ folder, text }: ManifestSource): string {
  return `${folder.href}\n${text}`;
}
