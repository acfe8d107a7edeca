/** Counts and times what arrives on many connections, however the network cuts it, and checks that it is what was published. */
import { quantile } from '../statistics.ts';

/** Every message holds `"n":NUMBER,"at":NUMBER,`: which one it is, and when it was due, ms since the epoch. */
const MARK = Buffer.from('"n":');
const AT = '"at":'.length;
const COMMA = 0x2c;

export function marked(n: number, at: number): string {
  return `"n":${n},"at":${at.toFixed(3)},`;
}

interface Reader {
  count: number;
  /** Of the numbers of the messages: with the count it shows what is missing or repeated. */
  sum: number;
  last: number;
  /** The beginning of a mark, whose end is still to come. */
  rest: Buffer | undefined;
}

export class Deliveries {
  readonly #readers: Reader[] = [];
  readonly #latencies: number[] = [];
  #count = 0;
  #unordered = 0;
  #latest = 0;

  get count(): number {
    return this.#count;
  }

  /** Messages that came after a later one of the same connection. */
  get unordered(): number {
    return this.#unordered;
  }

  /** When the latest came, `performance.now()`. */
  get latest(): number {
    return this.#latest;
  }

  /** @returns what one more connection hands its data to */
  reader(): (data: Buffer) => void {
    const reader: Reader = { count: 0, sum: 0, last: -1, rest: undefined };
    this.#readers.push(reader);
    return (data) => this.#read(reader, data);
  }

  /** @throws unless each connection has got messages 0 to `published` - 1 once each */
  check(published: number): void {
    const sum = (published * (published - 1)) / 2;
    const wrong = this.#readers.find((reader) => reader.count !== published || reader.sum !== sum);
    if (wrong === undefined) return;
    throw new Error(
      `a connection got ${wrong.count} messages, or repeats among them, where ${published} were published`,
    );
  }

  /** Ms from when a message was due to be published until it was here. */
  latencies(): { p50_ms: number; p99_ms: number; p999_ms: number } {
    const [p50_ms, p99_ms, p999_ms] = [0.5, 0.99, 0.999].map((q) => quantile(this.#latencies, q)) as [
      number,
      number,
      number,
    ];
    return { p50_ms, p99_ms, p999_ms };
  }

  /** Waits until nothing more has come for a while. */
  async settled(): Promise<void> {
    for (let before = -1; before !== this.#count; ) {
      before = this.#count;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }

  #read(reader: Reader, data: Buffer): void {
    const all = reader.rest === undefined ? data : Buffer.concat([reader.rest, data]);
    reader.rest = undefined;
    this.#latest = performance.now();
    const now = performance.timeOrigin + this.#latest;
    let from = 0;
    for (;;) {
      const mark = all.indexOf(MARK, from);
      const middle = mark === -1 ? -1 : all.indexOf(COMMA, mark);
      const end = middle === -1 ? -1 : all.indexOf(COMMA, middle + 1);
      if (end === -1) {
        reader.rest = unfinished(all, mark);
        return;
      }
      this.#note(reader, Number(all.toString('latin1', mark + MARK.length, middle)));
      this.#latencies.push(now - Number(all.toString('latin1', middle + 1 + AT, end)));
      from = end;
    }
  }

  #note(reader: Reader, n: number): void {
    this.#count++;
    reader.count++;
    reader.sum += n;
    if (n < reader.last) this.#unordered++;
    reader.last = n;
  }
}

/** What may be the beginning of a mark at the end of the data, copied: the data's memory is used again. */
function unfinished(data: Buffer, mark: number): Buffer | undefined {
  const end = data.subarray(mark === -1 ? 1 - MARK.length : mark);
  return end.includes(MARK[0]!) ? Buffer.from(end) : undefined;
}
