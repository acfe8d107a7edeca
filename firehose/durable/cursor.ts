/** Cursors of the Durable Streams protocol (section 10.1): they let caches collapse readers without looping for ever. */

const INTERVAL_MS = 20_000;
/** 9 October 2024, where the protocol begins to count. */
const BEGIN = Date.UTC(2024, 9, 9);
const MAX_JITTER_S = 3600;

/**
 * The number of the current interval; past the client's own cursor where that is not behind, so that it never goes back.
 *
 * @param random 0 to 1
 */
export function nextCursor(now: number, given: string | undefined, random: number): string {
  const current = Math.floor((now - BEGIN) / INTERVAL_MS);
  const theirs = given !== undefined && /^\d{1,15}$/.test(given) ? Number(given) : -1;
  if (theirs < current) return String(current);
  const jitterMs = 1000 + Math.floor(random * (MAX_JITTER_S - 1)) * 1000;
  return String(theirs + Math.max(1, Math.ceil(jitterMs / INTERVAL_MS)));
}
