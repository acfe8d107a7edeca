/**
 * Takes messages out of the journal's byte ranges. A frame says all that delivering it needs to know, and is sent as it lies
 * there, so SQLite is asked once for a hundred of them and no row is looked at.
 */
import type { Range, Retired } from '../../journal/reader.ts';

/** Frames of the endpoint past `after`. */
export type ReadFrames = (request: {
  readonly after: number;
  readonly until?: number;
  readonly maxBytes: number;
}) => Range | Retired;

/** What the frame of a message says before its payload. */
export interface FrameHead {
  readonly offset: number;
  /** RFC 3339. */
  readonly time: string;
  readonly type: string;
  readonly transaction: string;
  readonly id: string;
}

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
