/** Lets images in work finish after a worker was told to stop, but not for ever. */

/** How long they may go on. */
const DRAIN_MS = 8_000;

/** Aborts some time after `taken` did. `clear` when everything has finished. */
export function drainSignal(taken: AbortSignal): { signal: AbortSignal; clear: () => void } {
  const cut = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onTaken = () => {
    timer = setTimeout(() => cut.abort(taken.reason), DRAIN_MS);
  };
  if (taken.aborted) onTaken();
  else taken.addEventListener('abort', onTaken, { once: true });
  return {
    signal: cut.signal,
    clear: () => {
      taken.removeEventListener('abort', onTaken);
      clearTimeout(timer);
    },
  };
}
