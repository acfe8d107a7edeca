/** The source partition of the crash test: what stands at an offset follows from the offset alone. */
import type { NewEntry } from '../entry.ts';
import { messageIdOf, newEntry } from './new-entry.ts';

export const CRASH_CLIENTS = ['ada', 'bob', 'cyd'];

/** Whether the record at `offset` repeats the message id of one a little before it. */
export function isRepeat(offset: number): boolean {
  return offset % 11 === 10;
}

/** null where the record makes no entry, as one of another kind would not. */
export function recordAt(offset: number): NewEntry | null {
  if (offset % 7 === 6) return null;
  const frame = (prev: number) => Buffer.from(`${JSON.stringify({ offset, prev, fill: 'x'.repeat(offset % 400) })}\n`);
  // Two before a repeat stands neither a repeat nor, by the other rule, always a record: the test asks the same function.
  const messageId = messageIdOf(isRepeat(offset) ? offset - 2 : offset);
  return newEntry(CRASH_CLIENTS[offset % 3]!, offset, { frame, messageId });
}
