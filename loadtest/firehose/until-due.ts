/** Waits for a moment, to well below a millisecond: a timer alone is up to one early, or more than one late. */

/** @param due as `performance.now()` gives it; a moment that is past is not waited for */
export async function untilDue(due: number): Promise<void> {
  for (let ahead = due - performance.now(); ahead > 0; ahead = due - performance.now()) {
    // Sockets have their turn in either case.
    if (ahead > 2) await new Promise((resolve) => setTimeout(resolve, ahead - 1));
    else await new Promise((resolve) => setImmediate(resolve));
  }
}
