/**
 * What the Durable Streams facade reads from: one append-only stream of a content type. The firehose's is a client's
 * journal, whose entries are JSON messages; tests hang other streams on the same routes.
 */
import type { JournalReader } from '../../journal/reader.ts';
import type { FreshEntries, LiveTail, Waiting } from '../stream/live-tail.ts';

export interface DurableStream {
  /** Names this incarnation of the stream: a part of its ETags and offsets. [0-9a-z]+ */
  readonly epoch: string;
  readonly contentType: string;
  /** Offset of the last entry, -1 where there is none. */
  tail(): number;
  read(after: number): DurableChunk | 'retired';
  /** Resolves when there may be something past the tail, or the signal is aborted. */
  changed(signal: AbortSignal): Promise<void>;
}

export interface DurableChunk {
  /** The entries' bytes, one after the other. */
  readonly data: Buffer;
  /** Offset of the last entry in it; `after` where it is empty. */
  readonly last: number;
  /** Nothing lies past it now. */
  readonly end: boolean;
}

const CHUNK_BYTES = 1 << 20;

export function journalStream(
  reader: () => JournalReader,
  client: string,
  facts: { readonly epoch: string; readonly contentType: string; readonly tail: LiveTail },
): DurableStream {
  return {
    epoch: facts.epoch,
    contentType: facts.contentType,
    tail: () => reader().head(client),
    read(after) {
      const found = reader().read({ client, after, maxBytes: CHUNK_BYTES });
      if (found.kind === 'retired') return 'retired';
      return { data: Buffer.concat(found.chunks), last: found.last, end: found.end };
    },
    changed: (signal) => woken(facts.tail, client, signal),
  };
}

function woken(tail: LiveTail, client: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const waiting: Waiting = { woken: (_fresh: FreshEntries) => done() };
    function done(): false {
      tail.leave(client, waiting);
      signal.removeEventListener('abort', done);
      resolve();
      return false;
    }
    signal.addEventListener('abort', done, { once: true });
    tail.wait(client, waiting);
  });
}
