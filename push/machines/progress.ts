/**
 * How far an endpoint has got: what has been taken from the journal, and what of that is not finished.
 *
 * Transactions are pushed side by side, so messages finish out of order. Stored are the offset up to which the journal has
 * been read and the few offsets before it that are unfinished: a restart repeats those and nothing else, and one message that
 * waits hours for its next try does not make the thousands behind it come twice.
 */

export interface Unfinished {
  readonly offset: number;
  /** Tries so far. */
  readonly attempts: number;
  /** Not before this moment, ms; 0 for at once. */
  readonly notBefore: number;
}

/** A message on its way. What becomes of it is noted on itself, so that nothing has to be looked up. */
export interface Tracked {
  readonly offset: number;
  /** Tries so far. */
  attempts: number;
  /** Not before this moment, ms; 0 for at once. */
  notBefore: number;
  isFinished: boolean;
}

/** As stored. */
export interface Position {
  /** Everything up to here has been taken from the journal. -1 for nothing. */
  readonly scanned: number;
  /** Ascending by offset, none above `scanned`. */
  readonly unfinished: readonly Unfinished[];
}

/** Finished messages that are still in the list may outnumber the others by so many. Each costs some hundred bytes. */
const SLACK = 64;

export class Progress {
  /** Ascending by offset. What is finished lies before `#from`, or between others that are not. */
  #begun: Tracked[] = [];
  /** The first that is not finished. */
  #from = 0;
  #unfinished = 0;
  #scanned: number;
  /** The last offset of which anything came: what was only read ahead need not be stored. */
  #touched: number;

  /** @param scanned as stored; what was unfinished then is to be begun again, before anything else */
  constructor(scanned: number) {
    this.#scanned = scanned;
    this.#touched = scanned;
  }

  get scanned(): number {
    return this.#scanned;
  }

  get unfinishedCount(): number {
    return this.#unfinished;
  }

  /** Everything up to and including this offset is finished. */
  get finishedUpTo(): number {
    const first = this.#begun[this.#from];
    return first === undefined ? this.#scanned : first.offset - 1;
  }

  /** A message was taken from the journal. Offsets rise. */
  begin(message: Tracked): void {
    this.#begun.push(message);
    this.#unfinished += 1;
    this.#scanned = Math.max(this.#scanned, message.offset);
  }

  /** What lies before has been retired unread. */
  skipTo(offset: number): void {
    this.#scanned = Math.max(this.#scanned, offset);
    this.#touched = this.#scanned;
  }

  /** A try failed. */
  failed(message: Tracked, attempts: number, notBefore: number): void {
    message.attempts = attempts;
    message.notBefore = notBefore;
    this.#touched = Math.max(this.#touched, message.offset);
  }

  /** Pushed, or set aside as a dead letter. */
  finish(message: Tracked): void {
    message.isFinished = true;
    this.#unfinished -= 1;
    this.#touched = Math.max(this.#touched, message.offset);
    while (this.#begun[this.#from]?.isFinished === true) this.#from += 1;
    if (this.#unfinished === 0 || this.#begun.length > 2 * this.#unfinished + SLACK) this.#forgetFinished();
  }

  /** What to store. */
  position(): Position {
    const unfinished: Unfinished[] = [];
    for (let i = this.#from; i < this.#begun.length; i++) {
      const { offset, attempts, notBefore, isFinished } = this.#begun[i]!;
      if (offset > this.#touched) break;
      if (!isFinished) unfinished.push({ offset, attempts, notBefore });
    }
    return { scanned: this.#touched, unfinished };
  }

  #forgetFinished(): void {
    this.#begun = this.#begun.slice(this.#from).filter(({ isFinished }) => !isFinished);
    this.#from = 0;
  }
}
