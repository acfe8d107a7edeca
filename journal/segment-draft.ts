/** Turns the entries of a batch into segments: pure computation, so that nothing is on the disk before all of it is right. */
import { crc32 } from 'node:zlib';
import { nextChain } from './chain-hash.ts';
import type { NewEntry } from './entry.ts';

/** What the next entry of a client builds on. Never changed in place: a failed commit leaves the old one standing. */
export interface ClientHead {
  readonly no: number;
  readonly name: string;
  /** Offset of the latest entry, -1 before the first. */
  readonly head: number;
  /** Entries ever. */
  readonly count: number;
  /** Greatest time so far. */
  readonly time: number;
  /** Bytes of frames in the active volume. */
  readonly bytes: number;
  readonly chain: Buffer;
}

export interface EntryDraft {
  readonly entry: NewEntry;
  readonly prev: number;
  readonly ordinal: number;
  readonly position: number;
  readonly length: number;
  readonly chain: Buffer;
}

export interface SegmentDraft {
  /** The client's head after this segment. */
  readonly head: ClientHead;
  readonly first: number;
  readonly firstTime: number;
  readonly lastTime: number;
  readonly crc: number;
  readonly data: Buffer;
  readonly entries: readonly EntryDraft[];
}

/**
 * The segments of one client's entries: one, or several where its frames exceed `segmentBytes` (a frame is never split).
 *
 * @param entries at least one, ascending by offset, all of the client of `head`
 */
export function draftSegments(head: ClientHead, entries: readonly NewEntry[], segmentBytes: number): SegmentDraft[] {
  const segments: SegmentDraft[] = [];
  let { head: prev, count, time, bytes, chain } = head;
  let frames: Uint8Array[] = [];
  let drafts: EntryDraft[] = [];
  let length = 0;

  const close = (): void => {
    const data = Buffer.concat(frames, length);
    bytes += length;
    segments.push({
      head: { no: head.no, name: head.name, head: prev, count, time, bytes, chain },
      first: drafts[0]!.entry.offset,
      firstTime: drafts[0]!.entry.time,
      lastTime: drafts.at(-1)!.entry.time,
      crc: crc32(data),
      data,
      entries: drafts,
    });
    frames = [];
    drafts = [];
    length = 0;
  };

  for (const entry of entries) {
    const frame = entry.frame(prev);
    if (length > 0 && length + frame.length > segmentBytes) close();
    chain = nextChain(chain, frame);
    count++;
    drafts.push({ entry, prev, ordinal: count, position: length, length: frame.length, chain });
    frames.push(frame);
    length += frame.length;
    prev = entry.offset;
    time = Math.max(time, entry.time);
  }
  close();
  return segments;
}
