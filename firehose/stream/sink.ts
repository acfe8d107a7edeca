/** Where a stream writes to: a connection, seen only as far as back-pressure and its end go. */
import type { Chunk } from './chunk.ts';

export interface SinkEvents {
  /** Everything written has been handed over; more is welcome. */
  drained(): void;
  /** The peer is gone, or the connection broke. Called once, not after `end` or `destroy` have finished the job. */
  closed(): void;
}

export interface Sink {
  /** The buffer has reached its high-water mark: write nothing more until `drained`. */
  readonly full: boolean;
  /** Bytes written that the kernel has not taken. */
  readonly backlog: number;
  /** Bytes of the response that the kernel has taken. */
  readonly taken: number;
  write(chunk: Chunk): void;
  /** What was written since the last time belongs together: a compressing sink sends it now. */
  flush(): void;
  /** Ends the response after what was written. */
  end(): void;
  /** Ends the connection at once. */
  destroy(): void;
  listen(events: SinkEvents): void;
}
