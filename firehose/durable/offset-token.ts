/**
 * Offsets of the Durable Streams facade: opaque to clients, sorted as text in the order of the stream. A token names the
 * position after an entry: `<epoch>_<entry's offset plus one, 16 digits>`.
 */

const TOKEN = /^([0-9a-z]{1,64})_(\d{16})$/;

/** @param after offset of the last entry before the position, -1 for the beginning */
export function offsetToken(epoch: string, after: number): string {
  return `${epoch}_${String(after + 1).padStart(16, '0')}`;
}

/** undefined: not a token. */
export function parseOffsetToken(text: string): { readonly epoch: string; readonly after: number } | undefined {
  const match = TOKEN.exec(text);
  return match === null ? undefined : { epoch: match[1]!, after: Number(match[2]) - 1 };
}
