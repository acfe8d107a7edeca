/**
 * Takes messages out of the journal's byte ranges. A frame says all that delivering it needs to know, and is sent as it lies
 * there, so SQLite is asked once for a hundred of them and no row is looked at.
 */
import type { JournalReader } from '../../journal/reader.ts';
import type { Range, Retired } from '../../journal/reading.ts';
import type { Item } from './delivery.ts';

/** The journal, which is being built anew from the log, has not come to that offset again. */
export class NotJournaledAgainError extends Error {
  override readonly name = 'NotJournaledAgainError';
  constructor(offset: number, position: number) {
    super(`the push journal is being built anew and has come to offset ${position}, not yet to ${offset}`);
  }
}

/**
 * Frames of the endpoint past `after`. @throws {NotJournaledAgainError} the journal ends before `until`, and what the journal reader throws
 */
export type ReadFrames = (request: {
  readonly after: number;
  readonly until?: number;
  readonly maxBytes: number;
}) => Range | Retired;

/** @param reader of the partition's journal as it is now: its files may be replaced */
export function framesOf(reader: () => JournalReader, endpoint: string): ReadFrames {
  return (request) => {
    const { until } = request;
    if (until !== undefined) {
      const { position } = reader().bounds();
      if (until >= position) throw new NotJournaledAgainError(until, position);
    }
    return reader().read({ client: endpoint, ...request });
  };
}

/** What the frame of a message says before its payload. */
export interface FrameHead {
  readonly offset: number;
  /** RFC 3339. */
  readonly time: string;
  readonly type: string;
  readonly transaction: string;
  readonly id: string;
  /** Only where the message's trace is recorded. */
  readonly traceparent?: string;
}

/** Bytes that are read at once. */
export const PAGE_BYTES = 1 << 18;

const LINE_END = 10;
/** Quotes within JSON strings are escaped, so this is found nowhere before the payload. */
const PAYLOAD = ',"payload":';

/** Calls back for every frame, without its line end. The bytes share memory with their neighbours. */
export function forEachFrame(chunks: readonly Buffer[], found: (head: FrameHead, frame: Buffer) => void): void {
  for (const chunk of chunks) {
    for (let start = 0; start < chunk.length; ) {
      const end = chunk.indexOf(LINE_END, start);
      const head = chunk.toString('utf8', start, chunk.indexOf(PAYLOAD, start));
      found(JSON.parse(`${head}}`), chunk.subarray(start, end));
      start = end + 1;
    }
  }
}

/** The frame at one offset, if the journal holds it. @throws what `read` throws */
export function readOne(read: ReadFrames, offset: number): { head: FrameHead; frame: Buffer } | undefined {
  const found = read({ after: offset - 1, until: offset, maxBytes: PAGE_BYTES });
  let one: { head: FrameHead; frame: Buffer } | undefined;
  if (found.kind === 'range') {
    forEachFrame(found.chunks, (head, frame) => {
      one = { head, frame };
    });
  }
  return one;
}

export function itemOf({ offset, id, type, transaction, time, traceparent }: FrameHead, frame: Buffer): Item {
  const about = { offset, messageId: id, type, transaction, time, traceparent, size: frame.length };
  return { ...about, frame: undefined, attempts: 0, notBefore: 0, isFinished: false };
}

/** What goes out in place of a message that the journal holds no more. */
export function retiredFrame({ offset, messageId, type, transaction }: Item): Buffer {
  return Buffer.from(
    JSON.stringify({ kind: 'message', offset, type, transaction, id: messageId, payload: null, retired: true }),
  );
}
