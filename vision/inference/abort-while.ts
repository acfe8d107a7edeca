/** Acts on an abort that comes before something is settled, and forgets about it afterwards. */
export function onAbortWhilePending(signal: AbortSignal, pending: Promise<unknown>, act: () => void): void {
  signal.addEventListener('abort', act, { once: true });
  const forget = () => signal.removeEventListener('abort', act);
  pending.then(forget, forget);
}
