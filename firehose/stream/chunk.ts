/**
 * Bytes on their way to one or many sockets, framed for HTTP/1.1 at most once however many readers share them.
 *
 * What was read for one stream alone is its own: once it is written its memory is freed, at once and not by the garbage
 * collector, which V8 would otherwise start after every few hundred reads, and the next read finds it still in the
 * processor's cache.
 */

/** Smaller data is copied between its chunk header and trailer: one write costs more than the copy. */
const COPY_BELOW_BYTES = 16_384;
const CRLF = Buffer.from('\r\n');

export class Chunk {
  readonly data: Buffer;
  /** Whether `release` frees the data: then a sink calls it as soon as nothing refers to the bytes any more. */
  readonly own: boolean;
  #framed: readonly Buffer[] | undefined;

  private constructor(data: Buffer, own: boolean) {
    this.data = data;
    this.own = own;
  }

  /** Data that others may look at, now or later. */
  static shared(data: Buffer): Chunk {
    return new Chunk(data, false);
  }

  /** Data that nobody but the one sink that it goes to will look at. */
  static own(data: Buffer): Chunk {
    return new Chunk(data, isWorthFreeing(data));
  }

  /** In HTTP/1.1 chunked transfer coding (RFC 9112, section 7.1). */
  get framed(): readonly Buffer[] {
    this.#framed ??= frame(this.data);
    return this.#framed;
  }

  /** The bytes have been taken; `data` is empty afterwards where it is the chunk's own. */
  release(): void {
    if (this.own) free(this.data);
  }
}

/** Frees the memory of a buffer that nobody will look at again; a small one is left to the garbage collector. */
export function discard(data: Buffer): void {
  if (isWorthFreeing(data)) free(data);
}

/** Small buffers may share their memory with others (Node's pool). */
function isWorthFreeing(data: Buffer): boolean {
  return data.length >= COPY_BELOW_BYTES && data.length === data.buffer.byteLength;
}

function free(data: Buffer): void {
  (data.buffer as ArrayBuffer).transfer(0);
}

function frame(data: Buffer): readonly Buffer[] {
  const head = Buffer.from(`${data.length.toString(16)}\r\n`, 'latin1');
  return data.length < COPY_BELOW_BYTES ? [Buffer.concat([head, data, CRLF])] : [head, data, CRLF];
}
