/**
 * Looks through what comes for messages and checks that each follows the one before: in order, none missing, none twice.
 * It searches bytes and parses numbers only, because a reader must cost less than the server that it measures.
 */

/** How messages are recognised, and how one says what it follows. */
export interface Numbering {
  /** Stands in every message once, in front of its number. */
  readonly marker: string;
  /** Behind the number, in front of the number of the message before; undefined where numbers have no holes. */
  readonly previous: string | undefined;
}

/** Messages of `peerMessage`. */
export const PLACES: Numbering = { marker: '{"n":', previous: undefined };
/** Frames of the firehose in NDJSON. */
export const FRAMES: Numbering = { marker: '{"kind":"message","offset":', previous: ',"prev":' };

const AT = '"at":';
/** From its marker on, all that is looked at of a message. Messages are not shorter. */
const LOOKED_AT_BYTES = 240;
const ZERO = 0x30;

export class Sequence {
  readonly #marker: Buffer;
  readonly #previous: string | undefined;
  #rest: Buffer = Buffer.alloc(0);
  #last: number | undefined;
  count = 0;

  /** @param first the number of the first message, where it is known */
  constructor({ marker, previous }: Numbering, first?: number) {
    this.#marker = Buffer.from(marker);
    this.#previous = previous;
    this.#last = first === undefined ? undefined : first - 1;
  }

  /** @param onMessage called with the time at which a message was published @throws one does not follow the one before */
  take(chunk: Buffer, onMessage?: (at: number) => void): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = data.indexOf(this.#marker);
    for (; at !== -1 && data.length - at >= LOOKED_AT_BYTES; at = data.indexOf(this.#marker, at + LOOKED_AT_BYTES)) {
      const start = at + this.#marker.length;
      const number = integerAt(data, start);
      if (this.#previous === undefined) this.#follows(number, number - 1);
      else this.#follows(number, integerAt(data, data.indexOf(this.#previous, start) + this.#previous.length));
      if (onMessage !== undefined) onMessage(timeAt(data, data.indexOf(AT, start) + AT.length));
    }
    const kept = at === -1 ? Math.max(0, data.length - this.#marker.length) : at;
    this.#rest = Buffer.from(data.subarray(kept));
  }

  #follows(number: number, previous: number): void {
    if (this.#last !== undefined && previous !== this.#last)
      throw new Error(`message ${number} came after ${this.#last}, and should after ${previous}`);
    this.#last = number;
    this.count++;
  }
}

function integerAt(data: Buffer, at: number): number {
  if (data[at] === 0x2d) return -1;
  let value = 0;
  for (let digit = data[at]! - ZERO; digit >= 0 && digit <= 9; digit = data[++at]! - ZERO) value = value * 10 + digit;
  return value;
}

function timeAt(data: Buffer, at: number): number {
  return Number.parseFloat(data.toString('latin1', at, at + 24));
}
