/**
 * Where a stream ends of itself: after an offset, or before the first message that is not earlier than a moment.
 *
 * The journal is written by another thread while it is asked, so the order of the questions is what keeps the end exact:
 * first how far the journal is, then what it holds, and last (by the stream) the reading itself, which goes no further
 * than the answer. What is appended between two questions is found by the next look.
 *
 * A moment that has not come yet has no offset. Its end is known as soon as a message that is not earlier is journaled.
 * Where none comes it is known from the log: once the moment is past, and what was on its way has had time to reach the
 * log, whatever the log then holds is all that there is.
 */
import type { Until } from '../request/stream-request.ts';
import type { StreamPlan } from './stream-plan.ts';

export interface EndingSurroundings {
  /** How long after a stream's last moment its messages may still reach the log, ms. */
  readonly untilSettleMs: number;
  /** Offset of the next record that the client's journal will take in: no entry below it is still to come. */
  journaled(client: string): number;
  /** Offset of the client's latest entry, -1 where there is none. */
  head(client: string): number;
  /** Offset of the client's first entry that is not earlier than `time`, null where there is none. */
  offsetAtTime(client: string, time: number): number | null;
  /** Offset that the next record of the client's partition was to get in the log, asked after the moment `since`. */
  logEnd(client: string, since: number): Promise<number>;
}

export interface EndInSight {
  /** Last offset that may be read now. */
  readonly last: number;
  /** All that is wanted lies up to there, and is there to be read. */
  readonly final: boolean;
}

export class Ending {
  readonly #client: string;
  readonly #end: Until;
  readonly #around: EndingSurroundings;
  /** The last offset wanted, once it is known that nothing more of what is wanted will come. */
  #last: number | undefined;
  /** The log is asked once this moment is past, ms. */
  readonly #settledAt: number;
  /** Where the log ended then. */
  #logEnd: number | undefined;
  #asking = false;

  /** @param now ms since the epoch, when the stream is opened */
  constructor(plan: Pick<StreamPlan, 'client' | 'follow'>, end: Until, around: EndingSurroundings, now: number) {
    this.#client = plan.client;
    this.#end = end;
    this.#around = around;
    if (!plan.follow && end.kind === 'offset') this.#last = end.offset;
    this.#settledAt = end.kind === 'time' ? Math.max(end.time + around.untilSettleMs, now) : Number.NEGATIVE_INFINITY;
  }

  /** To be asked before each reading. */
  look(): EndInSight {
    if (this.#last !== undefined) return { last: this.#last, final: true };
    const journaled = this.#around.journaled(this.#client);
    if (this.#end.kind === 'offset') return { last: this.#end.offset, final: journaled > this.#end.offset };
    // Before the search: what is appended after it is not known to be early enough.
    const head = this.#around.head(this.#client);
    const first = this.#around.offsetAtTime(this.#client, this.#end.time);
    if (first === null) return { last: head, final: this.#logEnd !== undefined && journaled >= this.#logEnd };
    this.#last = first - 1;
    return { last: this.#last, final: true };
  }

  /** Nothing but a message of the client can bring the end before this moment, ms since the epoch. */
  get quietUntil(): number {
    return this.#last === undefined ? this.#settledAt : Number.POSITIVE_INFINITY;
  }

  /** Whether the end has come without a message that would have told: look again. Called several times a second. */
  hasCome(now: number): boolean {
    if (this.#last !== undefined || now <= this.#settledAt) return false;
    if (this.#end.kind === 'offset') return this.#around.journaled(this.#client) > this.#end.offset;
    if (this.#logEnd !== undefined) return this.#around.journaled(this.#client) >= this.#logEnd;
    if (!this.#asking) void this.#ask();
    return false;
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    try {
      this.#logEnd = await this.#around.logEnd(this.#client, this.#settledAt);
    } catch {
      // The log is away. It is asked again, and until it answers the end is not known.
    } finally {
      this.#asking = false;
    }
  }
}
