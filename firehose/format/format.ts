/** How frames are written. Messages come as the journal holds them: whole NDJSON frames, one after the other. */
import type { ControlFrame } from '../../protocol/frames.ts';

export interface Format {
  readonly mediaType: string;
  /** The same bytes give the same result: streams at the tail share it. */
  messages(frames: Buffer): Buffer;
  control(frame: ControlFrame): Buffer;
}
