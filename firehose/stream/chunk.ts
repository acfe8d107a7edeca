/** Bytes on their way to one or many sockets, framed for HTTP/1.1 at most once however many readers share them. */

/** Smaller data is copied between its chunk header and trailer: one write costs more than the copy. */
const COPY_BELOW_BYTES = 16_384;
const CRLF = Buffer.from('\r\n');

export class Chunk {
  readonly data: Buffer;
  #framed: readonly Buffer[] | undefined;

  constructor(data: Buffer) {
    this.data = data;
  }

  /** In HTTP/1.1 chunked transfer coding (RFC 9112, section 7.1). */
  get framed(): readonly Buffer[] {
    this.#framed ??= frame(this.data);
    return this.#framed;
  }
}

function frame(data: Buffer): readonly Buffer[] {
  const head = Buffer.from(`${data.length.toString(16)}\r\n`, 'latin1');
  return data.length < COPY_BELOW_BYTES ? [Buffer.concat([head, data, CRLF])] : [head, data, CRLF];
}
