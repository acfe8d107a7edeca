/** Walks through NDJSON message frames as bytes, without decoding them. */

const NEWLINE = 0x0a;
const COMMA = 0x2c;
const ZERO = 0x30;
/** Every message frame begins so, and its offset follows (firehose/journaler/entry-of-record.ts). */
const OFFSET_AT = '{"kind":"message","offset":'.length;

/** Each frame without its line end. @param frames whole frames, each with its line end */
export function* eachFrame(frames: Buffer): Generator<Buffer> {
  for (let at = 0; at < frames.length; ) {
    const end = frames.indexOf(NEWLINE, at);
    yield frames.subarray(at, end);
    at = end + 1;
  }
}

/** The digits of a frame's offset. */
export function offsetDigits(frame: Buffer): Buffer {
  return frame.subarray(OFFSET_AT, frame.indexOf(COMMA, OFFSET_AT));
}

export function offsetOf(frame: Buffer): number {
  let offset = 0;
  for (let at = OFFSET_AT; frame[at] !== COMMA; at++) offset = offset * 10 + frame[at]! - ZERO;
  return offset;
}
