/** Walks through NDJSON message frames as bytes, without decoding them. */

const NEWLINE = 0x0a;
const COMMA = 0x2c;
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
