/**
 * The keys of a folder as they are now: notices rotation and retirement within seconds, without a restart.
 *
 * The files are looked at by their modification times: the folder may be shared over a network, where changes are not told.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KEY_FILES, KEY_USES, openTokenKeys, type TokenKeys } from './keys.ts';

const LOOK_EVERY_MS = 2_000;

/** How far ahead a rotation must announce a key so that every process has it in time. */
export const ROTATION_NOTICE_MS = 30_000;

export interface KeyRingOptions {
  readonly lookEveryMs?: number;
  /** Told when the files cannot be read: the keys known so far stay in force. */
  readonly onError?: (error: unknown) => void;
  /** Milliseconds since the epoch. Default Date.now. */
  readonly now?: () => number;
}

export interface KeyRing {
  /** Gives the same object until something changes. */
  keys(): TokenKeys;
  close(): void;
}

/** @throws {KeyStoreError} the keys cannot be read at first */
export async function openKeyRing(folder: string, options: KeyRingOptions = {}): Promise<KeyRing> {
  const clock = options.now ?? Date.now;
  let seen = await signature(folder);
  let keys = await openTokenKeys(folder, clock());
  const look = async () => {
    const now = await signature(folder);
    if (now === seen && !isDue(keys, clock())) return;
    keys = await openTokenKeys(folder, clock());
    seen = now;
  };
  const timer = setInterval(() => {
    look().catch((error: unknown) => options.onError?.(error));
  }, options.lookEveryMs ?? LOOK_EVERY_MS);
  timer.unref();
  return { keys: () => keys, close: () => clearInterval(timer) };
}

/** Whether a key's time to be used has come since the keys were put in order. */
function isDue(keys: TokenKeys, now: number): boolean {
  return KEY_USES.some((use) => {
    const [inUse, ...others] = keys[use];
    return others.some(({ useFrom }) => useFrom <= now && useFrom > inUse!.useFrom);
  });
}

async function signature(folder: string): Promise<string> {
  const stats = await Promise.all(KEY_FILES.map((file) => stat(join(folder, file)).catch(() => undefined)));
  return stats.map((found) => `${found?.ino}:${found?.mtimeMs}:${found?.size}`).join();
}
