/** Looks at the server again and again, not while nobody looks at the page. */

const EVERY_MS = 2000;

/**
 * @param {AbortSignal} signal
 * @param {() => Promise<void>} look
 */
export async function poll(signal, look) {
  while (!signal.aborted) {
    if (!document.hidden) await look();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
