/** The entries of the journal suite: what they look like, and how many there are. */
import type { NewEntry } from '../../journal/entry.ts';
import type { BenchContext } from '../suite.ts';

export const FRAME_BYTES = 300;
export const TYPES = 10;
export const EPOCH = 'bench';

/** Whole batches, at least one. */
export function amount(entries: number, batch: number, { scale }: BenchContext): number {
  return Math.max(1, Math.round((entries * scale) / batch)) * batch;
}

/** @param offset also makes the message id, time first as everywhere */
export function entryOf(offset: number, clients: number): NewEntry {
  const hex = (1_750_000_000_000 + offset).toString(16).padStart(12, '0');
  // A multiplication that leaves no trace of order, as the random part of real ids.
  const tail = Math.imul(offset, 0x9e3779b1).toString(16).replace('-', '').padStart(12, '0');
  return {
    client: `client${offset % clients}`,
    offset,
    time: 1_750_000_000_000 + offset,
    messageId: `${hex.slice(0, 8)}-${hex.slice(8)}-8000-8000-${tail}`,
    type: `bench.v1.Type${offset % TYPES}`,
    transaction: `transaction-${offset >> 3}`,
    labels: [],
    confidence: null,
    frame: (prev) => frameOf(offset, prev),
  };
}

export function frameOf(offset: number, prev: number): Buffer {
  const frame = Buffer.alloc(FRAME_BYTES, 'x');
  frame.write(`{"kind":"message","offset":${offset},"prev":${prev},"payload":"`);
  frame.write('"}\n', FRAME_BYTES - 3);
  return frame;
}
