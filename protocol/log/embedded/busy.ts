/**
 * Waiting for another process's lock on the database.
 *
 * SQLite's own busy handler backs off to 100 ms, so a process that wants one transaction starves beside one that writes all the
 * time. Transactions here take milliseconds, so asking every other millisecond is both fair and cheap. It blocks: for the writer thread only.
 */
import Database from 'better-sqlite3';

const sleeper = new Int32Array(new SharedArrayBuffer(4));

export function retryWhileBusy<T>(timeoutMs: number, action: () => T): T {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return action();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      Atomics.wait(sleeper, 0, 0, 1 + Math.random() * 2);
    }
  }
}

export function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
}
