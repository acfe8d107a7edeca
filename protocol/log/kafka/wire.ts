/** Reads and writes the primitive types of Kafka's protocol (https://kafka.apache.org/protocol#protocol_types). */

/** What is at least this large is handed to the socket as it is. A smaller part is cheaper to copy to its neighbours. */
const LARGE_BYTES = 16 << 10;

export class WireWriter {
  readonly #parts: Buffer[] = [];
  #length = 0;

  /** Bytes written. */
  get length(): number {
    return this.#length;
  }

  int8(value: number): this {
    return this.#add(1, (part) => part.writeInt8(value));
  }

  int16(value: number): this {
    return this.#add(2, (part) => part.writeInt16BE(value));
  }

  int32(value: number): this {
    return this.#add(4, (part) => part.writeInt32BE(value));
  }

  int64(value: number): this {
    return this.#add(8, (part) => part.writeBigInt64BE(BigInt(value)));
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const text = Buffer.from(value);
    return this.int16(text.length).raw(text);
  }

  bytes(value: Buffer): this {
    return this.int32(value.length).raw(value);
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }

  uvarint(value: number): this {
    const bytes: number[] = [];
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
    return this.raw(Buffer.from([...bytes, rest]));
  }

  compactString(value: string): this {
    const text = Buffer.from(value);
    return this.uvarint(text.length + 1).raw(text);
  }

  /** null is the empty pointer, not the empty list. */
  compactArray<T>(items: readonly T[] | null, write: (item: T) => void): this {
    this.uvarint(items === null ? 0 : items.length + 1);
    for (const item of items ?? []) write(item);
    return this;
  }

  noTags(): this {
    return this.uvarint(0);
  }

  raw(bytes: Buffer): this {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return this;
  }

  /** What the other one has written. */
  all(other: WireWriter): this {
    for (const part of other.#parts) this.raw(part);
    return this;
  }

  end(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** What was written, in as few pieces as there can be without copying what is large. */
  pieces(): Buffer[] {
    const pieces: Buffer[] = [];
    let from = 0;
    for (const [index, part] of this.#parts.entries()) {
      if (part.length < LARGE_BYTES) continue;
      if (index > from) pieces.push(Buffer.concat(this.#parts.slice(from, index)));
      pieces.push(part);
      from = index + 1;
    }
    if (from < this.#parts.length) pieces.push(Buffer.concat(this.#parts.slice(from)));
    return pieces;
  }

  #add(length: number, write: (part: Buffer) => void): this {
    const part = Buffer.allocUnsafe(length);
    write(part);
    return this.raw(part);
  }
}

export class WireReader {
  readonly #data: Buffer;
  #at = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  int8(): number {
    return this.#data.readInt8(this.#skip(1));
  }

  int16(): number {
    return this.#data.readInt16BE(this.#skip(2));
  }

  int32(): number {
    return this.#data.readInt32BE(this.#skip(4));
  }

  int64(): number {
    return Number(this.#data.readBigInt64BE(this.#skip(8)));
  }

  string(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.raw(length).toString();
  }

  /** null reads as empty. */
  bytes(): Buffer {
    return this.raw(Math.max(this.int32(), 0));
  }

  array<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(this.int32(), 0) }, read);
  }

  uvarint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#data.readUInt8(this.#skip(1));
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  compactString(): string | null {
    const length = this.uvarint();
    return length === 0 ? null : this.raw(length - 1).toString();
  }

  compactArray<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(this.uvarint() - 1, 0) }, read);
  }

  skipTags(): void {
    for (let count = this.uvarint(); count > 0; count--) {
      this.uvarint();
      this.raw(this.uvarint());
    }
  }

  raw(length: number): Buffer {
    const from = this.#skip(length);
    return this.#data.subarray(from, from + length);
  }

  #skip(length: number): number {
    const from = this.#at;
    this.#at += length;
    return from;
  }
}
