/**
 * A lock that the operating system drops when its process ends, however it ends.
 *
 * A killed consumer's lease runs out after seconds; its lock is free at once, so whoever asks knows at once. The lock is
 * SQLite's own on a file of its own: that works on every platform, across containers on one kernel, and between threads. A
 * stopped process keeps its lock: there the lease decides.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

const pathOf = (folder: string, instance: string) => join(folder, 'instances', instance);

/** Takes the lock of this instance and holds it until the returned function is called, or the process ends. */
export function holdInstanceLock(folder: string, instance: string): () => void {
  mkdirSync(join(folder, 'instances'), { recursive: true });
  const db = lock(pathOf(folder, instance));
  return () => {
    rmSync(pathOf(folder, instance), { force: true });
    db.close();
  };
}

export function isInstanceDead(folder: string, instance: string): boolean {
  const path = pathOf(folder, instance);
  if (!existsSync(path)) return true;
  try {
    lock(path).close();
    return true;
  } catch {
    // Busy: it lives. Any other fault says nothing about the process, so the lease decides.
    return false;
  }
}

export function removeInstanceLock(folder: string, instance: string): void {
  rmSync(pathOf(folder, instance), { force: true });
}

function lock(path: string): Database.Database {
  const db = new Database(path, { timeout: 0 });
  try {
    db.pragma('journal_mode = OFF'); // nothing is ever written; without this SQLite leaves a journal file behind
    db.exec('BEGIN EXCLUSIVE');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
