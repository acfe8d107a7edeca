/** Restarts a consumer that ended on an error, within a budget: one that keeps failing is given up and says so. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Subscription } from '../../protocol/log/log.ts';

export interface RestartBudget {
  /** Restarts allowed within the window. */
  readonly restarts: number;
  readonly windowMs: number;
  readonly pauseMs: number;
}

export interface Supervised<T extends Subscription> {
  /** What runs now; undefined between two lives and after giving up. */
  current(): T | undefined;
  /** The error that it was given up on. */
  givenUp(): unknown;
  stop(): Promise<void>;
}

/** Starts it once before returning, so that a mistake in the configuration is seen at once. */
export async function supervise<T extends Subscription>(
  start: () => Promise<T>,
  budget: RestartBudget,
  onRestart: (error: unknown, restarts: number) => void,
  monotonic: () => number = () => performance.now(),
): Promise<Supervised<T>> {
  const stopped = new AbortController();
  let current: T | undefined = await start();
  let givenUp: unknown;
  const life = watch();
  return {
    current: () => current,
    givenUp: () => givenUp,
    async stop() {
      stopped.abort();
      await current?.close();
      await life;
    },
  };

  async function watch(): Promise<void> {
    const restarts: number[] = [];
    while (!stopped.signal.aborted) {
      const error = await failure();
      if (error === undefined) return;
      restarts.push(monotonic());
      while (restarts[0]! < monotonic() - budget.windowMs) restarts.shift();
      if (restarts.length > budget.restarts) {
        givenUp = error;
        return;
      }
      onRestart(error, restarts.length);
      await sleep(budget.pauseMs, undefined, { signal: stopped.signal }).catch(() => {});
    }
  }

  /** Runs one life to its end. @returns what it failed on, undefined where it was stopped */
  async function failure(): Promise<unknown> {
    try {
      current ??= await start();
      if (stopped.signal.aborted) await current.close();
      await current.ended;
      return undefined;
    } catch (error) {
      const failed = current;
      current = undefined;
      // What it held is released before the next life takes it.
      await failed?.close().catch(() => {});
      return error ?? new Error('ended without a reason');
    }
  }
}
