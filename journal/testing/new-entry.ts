/** Entries for tests, with every field that does not matter to the test filled in. */
import type { NewEntry } from '../entry.ts';

/** A UUID that says its offset: tests that want duplicates or other shapes pass their own. */
export function messageIdOf(offset: number): string {
  const hex = offset.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${hex}`;
}

export function newEntry(client: string, offset: number, fields: Partial<NewEntry> = {}): NewEntry {
  return {
    client,
    offset,
    time: 1_000 + offset,
    messageId: messageIdOf(offset),
    type: 'test.v1m0.Thing',
    transaction: `t${offset}`,
    labels: [],
    confidence: null,
    frame: (prev) => Buffer.from(`{"kind":"message","offset":${offset},"prev":${prev}}\n`),
    ...fields,
  };
}
