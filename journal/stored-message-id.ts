/** Message ids as the journal stores them: canonical UUIDs as 16 bytes, any other string as it is. */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export type StoredMessageId = Buffer | string;

export function storeMessageId(id: string): StoredMessageId {
  return UUID.test(id) ? Buffer.from(id.replaceAll('-', ''), 'hex') : id;
}

export function loadMessageId(stored: StoredMessageId): string {
  if (typeof stored === 'string') return stored;
  const hex = stored.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** SQLite's order: text before blobs, each by its bytes. Negative, 0 or positive as in Array.sort. */
export function compareMessageIds(a: StoredMessageId, b: StoredMessageId): number {
  if (typeof a === 'string') return typeof b === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(b)) : -1;
  return typeof b === 'string' ? 1 : Buffer.compare(a, b);
}
