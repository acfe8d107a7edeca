/**
 * Compresses what is written to another sink. What was written since the last flush is sent as one block that the peer can
 * decode at once; while the inner sink is full the compressor stands still, so nothing piles up behind it.
 */
import { constants, createBrotliCompress, createGzip, createZstdCompress, type ZlibOptions } from 'node:zlib';
import { Chunk } from '../stream/chunk.ts';
import type { Sink, SinkEvents } from '../stream/sink.ts';
import type { Coding } from './negotiate.ts';

/** Small windows: ratio is lost little on text this repetitive, memory per connection is a quarter. */
const GZIP: ZlibOptions = { level: 3, windowBits: 14, memLevel: 7 };

interface Compressor {
  readonly stream: ReturnType<typeof createGzip>;
  /** Sends everything so far so that the peer can decode it. */
  readonly flush: () => void;
}

export class CompressedSink implements Sink {
  readonly #inner: Sink;
  readonly #compressor: Compressor;
  #written = false;

  constructor(inner: Sink, coding: Coding) {
    this.#inner = inner;
    this.#compressor = createCompressor(coding);
    const { stream } = this.#compressor;
    stream.on('data', (data: Buffer) => {
      inner.write(Chunk.shared(data));
      if (inner.full) stream.pause();
    });
    stream.once('end', () => inner.end());
    // Only a compressor that was destroyed complains; its connection is gone by then.
    stream.on('error', () => inner.destroy());
  }

  get full(): boolean {
    return this.#inner.full || this.#compressor.stream.writableNeedDrain;
  }

  get backlog(): number {
    return this.#inner.backlog + this.#compressor.stream.writableLength;
  }

  get taken(): number {
    return this.#inner.taken;
  }

  write(chunk: Chunk): void {
    this.#written = true;
    this.#compressor.stream.write(chunk.data, chunk.own ? () => chunk.release() : undefined);
  }

  flush(): void {
    if (!this.#written) return;
    this.#written = false;
    this.#compressor.flush();
  }

  end(): void {
    this.#compressor.stream.end();
  }

  destroy(): void {
    this.#compressor.stream.destroy();
    this.#inner.destroy();
  }

  listen(events: SinkEvents): void {
    const { stream } = this.#compressor;
    this.#inner.listen({
      drained() {
        stream.resume();
        if (!stream.writableNeedDrain) events.drained();
      },
      closed() {
        stream.destroy();
        events.closed();
      },
    });
    stream.on('drain', () => {
      if (!this.#inner.full) events.drained();
    });
  }
}

function createCompressor(coding: Coding): Compressor {
  switch (coding) {
    case 'gzip': {
      const stream = createGzip(GZIP);
      return { stream, flush: () => stream.flush(constants.Z_SYNC_FLUSH) };
    }
    case 'br': {
      const stream = createBrotliCompress({
        params: { [constants.BROTLI_PARAM_QUALITY]: 3, [constants.BROTLI_PARAM_LGWIN]: 16 },
      });
      return {
        stream: stream as unknown as Compressor['stream'],
        flush: () => stream.flush(constants.BROTLI_OPERATION_FLUSH),
      };
    }
    case 'zstd': {
      const stream = createZstdCompress({
        params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: 16 },
      });
      return { stream: stream as unknown as Compressor['stream'], flush: () => stream.flush(constants.ZSTD_e_flush) };
    }
  }
}
