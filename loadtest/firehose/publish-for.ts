/** Publishes at a pace that waits for nobody, or as fast as messages are accepted. */

/** Published messages that are not yet accepted, at most. */
const WINDOW = 32;

/**
 * Publishes for a while: at a pace that does not wait for anyone, so that a server which stalls is charged for all that
 * came meanwhile, or, without one, as fast as a window of unanswered messages allows.
 *
 * @param publish the nth message from 0, due at a moment (ms since the epoch); resolves when it is accepted
 * @returns how many, all of them accepted
 */
export async function publishFor(
  seconds: number,
  perSecond: number | undefined,
  publish: (n: number, at: number) => Promise<unknown>,
): Promise<number> {
  const began = performance.now();
  const open = new Set<Promise<unknown>>();
  let n = 0;
  for (; performance.now() - began < seconds * 1000; n++) {
    const due = perSecond === undefined ? performance.now() : began + (n * 1000) / perSecond;
    await untilDue(due);
    while (open.size >= WINDOW) await Promise.race(open);
    const accepted = publish(n, performance.timeOrigin + due).finally(() => open.delete(accepted));
    open.add(accepted);
  }
  await Promise.all(open);
  return n;
}

/** To well below a millisecond: a timer alone is up to one early, or more than one late. */
async function untilDue(due: number): Promise<void> {
  for (let ahead = due - performance.now(); ahead > 0; ahead = due - performance.now()) {
    // Sockets have their turn in either case.
    if (ahead > 2) await new Promise((resolve) => setTimeout(resolve, ahead - 1));
    else await new Promise((resolve) => setImmediate(resolve));
  }
}
