/**
 * The files of one journal folder. Each volume is one SQLite database named by its base offset, as Kafka names its
 * segments: sorting the names sorts the offsets.
 */
import { closeSync, fsyncSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

const VOLUME = /^(\d{16})\.db$/;
/** What SQLite puts beside a database in WAL mode. */
export const COMPANIONS = ['-wal', '-shm'] as const;
/** A volume that is still being prepared; it counts only once it has been renamed. */
export const UNFINISHED = '.new';

export function volumePath(folder: string, base: number): string {
  return join(folder, `${String(base).padStart(16, '0')}.db`);
}

/** Base offsets of the volumes in a folder, ascending; empty where there is no such folder. */
export function listVolumes(folder: string): number[] {
  const bases: number[] = [];
  for (const name of namesIn(folder)) {
    const match = VOLUME.exec(name);
    if (match !== null) bases.push(Number(match[1]));
  }
  return bases.sort((a, b) => a - b);
}

/** Removes what interrupted rolls and removals have left. Only the writer may call it. */
export function removeLitter(folder: string): void {
  const names = new Set(namesIn(folder));
  for (const name of names) {
    const companion = COMPANIONS.find((suffix) => name.endsWith(`.db${suffix}`));
    const orphan = companion !== undefined && !names.has(name.slice(0, -companion.length));
    if (orphan || name.includes(UNFINISHED)) rmSync(join(folder, name), { force: true });
  }
}

/** Removes a volume for good. Connections that hold it open go on reading what they hold. */
export function removeVolume(folder: string, base: number): void {
  const path = volumePath(folder, base);
  // The database first: without it the rest is litter, while a database without its WAL would lose entries.
  rmSync(path, { force: true });
  for (const companion of COMPANIONS) rmSync(path + companion, { force: true });
}

/** Bytes of a volume on disk, its WAL included. */
export function volumeBytes(folder: string, base: number): number {
  const path = volumePath(folder, base);
  return fileBytes(path) + fileBytes(`${path}-wal`);
}

export function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Makes names created, renamed or removed in a folder survive a power cut. */
export function syncFolder(folder: string): void {
  syncFile(folder);
}

export function syncFile(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
