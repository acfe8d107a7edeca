/** Which entries of a batch are new: a message that is held already, or comes twice in the batch, is dropped. */
import type { NewEntry } from './entry.ts';
import { type StoredMessageId, storeMessageId } from './stored-message-id.ts';

export interface UnseenEntries {
  /** In the order in which they came. */
  readonly byClient: ReadonlyMap<string, readonly NewEntry[]>;
  /** By offset. */
  readonly ids: ReadonlyMap<number, StoredMessageId>;
  readonly duplicates: number;
}

/** @param volumes all that are held */
export function unseenEntries(
  entries: readonly NewEntry[],
  volumes: readonly { holdsMessage(id: StoredMessageId): boolean }[],
): UnseenEntries {
  const byClient = new Map<string, NewEntry[]>();
  const ids = new Map<number, StoredMessageId>();
  const inBatch = new Set<string>();
  for (const entry of entries) {
    if (inBatch.has(entry.messageId)) continue;
    const id = storeMessageId(entry.messageId);
    if (volumes.some((volume) => volume.holdsMessage(id))) continue;
    inBatch.add(entry.messageId);
    ids.set(entry.offset, id);
    const list = byClient.get(entry.client);
    if (list === undefined) byClient.set(entry.client, [entry]);
    else list.push(entry);
  }
  return { byClient, ids, duplicates: entries.length - ids.size };
}
