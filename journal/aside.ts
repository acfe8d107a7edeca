/**
 * Journals that were moved aside are kept for people to look at, and not for ever: of each journal the newest few, each for a time.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';

export interface AsideLimits {
  /** Most that are kept of one journal. */
  readonly asideKeep: number;
  /** How long each is kept, ms. 0: as long as it is among the newest. */
  readonly asideKeepMs: number;
}

export interface AsideTidied {
  readonly kept: number;
  /** Paths that are gone. */
  readonly removed: readonly string[];
}

const INTERVAL_MS = 60_000;

/**
 * Tidies now and then, from now on.
 *
 * @param logger is told of every journal that is removed, and of what the disk refuses: the next round tries again
 * @param tell is told each time how many are kept and how many were removed
 * @returns stops it
 */
export function keepAsideTidy(
  aside: string,
  limits: AsideLimits,
  logger: Pick<Logger, 'info' | 'warn'>,
  tell: (kept: number, removed: number) => void,
): () => void {
  const tidy = async () => {
    try {
      const { kept, removed } = await tidyAside(aside, limits, Date.now());
      tell(kept, removed.length);
      for (const path of removed) logger.info({ path }, 'a journal that had been moved aside was removed');
    } catch (err) {
      logger.warn({ err }, 'journals that were moved aside cannot be removed now');
    }
  };
  const timer = setInterval(tidy, INTERVAL_MS);
  timer.unref();
  void tidy();
  return () => clearInterval(timer);
}

/** @param aside as `quarantine` fills it @param now ms since the epoch @throws what the file system throws */
export async function tidyAside(aside: string, limits: AsideLimits, now: number): Promise<AsideTidied> {
  const newestFirst = (await foldersIn(aside)).sort((a, b) => b.moved - a.moved);
  const held = new Map<string, number>();
  const removed: string[] = [];
  for (const { name, moved } of newestFirst) {
    const journal = name.slice(0, name.lastIndexOf('-'));
    const newer = held.get(journal) ?? 0;
    const isKept = newer < limits.asideKeep && (limits.asideKeepMs === 0 || now - moved < limits.asideKeepMs);
    if (isKept) held.set(journal, newer + 1);
    else removed.push(join(aside, name));
  }
  for (const path of removed) await rm(path, { recursive: true, force: true });
  return { kept: newestFirst.length - removed.length, removed };
}

async function foldersIn(aside: string): Promise<{ name: string; moved: number }[]> {
  try {
    const entries = await readdir(aside, { withFileTypes: true });
    // What else lies there is somebody else's.
    const names = entries.filter((entry) => entry.isDirectory() && /-\d+$/.test(entry.name)).map(({ name }) => name);
    return await Promise.all(names.map(async (name) => ({ name, moved: (await stat(join(aside, name))).mtimeMs })));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
