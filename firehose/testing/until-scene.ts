/** A stream that ends at a time or an offset, and the journal, the clock and the log that it sees, which a test moves. */
import { temporaryFolder } from '../../journal/testing/temporary-folder.ts';
import type { Filter, Until } from '../request/stream-request.ts';
import type { StreamSurroundings } from '../stream/surroundings.ts';
import { type AnyFrame, CLIENT, JournalUnderTest, type Spec } from './journal-under-test.ts';

/** Where the streams here end. */
export const T = 1_000_000;
export const SETTLE_MS = 500;
const EVERYTHING: Filter = {
  types: undefined,
  transactions: undefined,
  labels: undefined,
  minConfidence: undefined,
  expression: undefined,
};
export const WANTED = { filter: EVERYTHING, shard: undefined, chunkBytes: 100_000, capacity: 1e9 };

export const AT_T: Until = { kind: 'time', time: T };

export function message(time: number, client = CLIENT): Spec {
  return { client, type: 'ocr.v1m0.TextLine', transaction: 't', label: '', confidence: 0, text: '', time };
}

/** A journal, and the clock and the log that its streams see. */
export class UntilScene implements Disposable {
  readonly #folder = temporaryFolder();
  readonly journal: JournalUnderTest;
  now = T - 10_000;
  /** Where the log says that it ends; undefined: where the journal does. */
  logEnd: number | undefined;
  asked = 0;
  /** Done once, just before the stream gets the answer to one of its questions. */
  seam: { readonly question: 'journaled' | 'head' | 'offsetAtTime'; readonly run: () => void } | undefined;

  constructor() {
    const hooked =
      <Parameters extends unknown[], Answer>(question: string, ask: (...parameters: Parameters) => Answer) =>
      (...parameters: Parameters): Answer => {
        const answer = ask(...parameters);
        const { seam } = this;
        if (seam?.question === question) {
          this.seam = undefined;
          seam.run();
        }
        return answer;
      };
    this.journal = new JournalUnderTest(
      this.#folder.path,
      (around): Partial<StreamSurroundings> => ({
        untilSettleMs: SETTLE_MS,
        now: () => this.now,
        journaled: hooked('journaled', around.journaled),
        head: hooked('head', around.head),
        offsetAtTime: hooked('offsetAtTime', around.offsetAtTime),
        logEnd: async () => {
          this.asked++;
          return this.logEnd ?? this.journal.position;
        },
      }),
    );
  }

  open(until: Until, after = -1) {
    const { stream, frames } = this.journal.connect(after, { ...WANTED, until });
    return {
      frames,
      offsets: () => frames().flatMap(({ kind, offset }: AnyFrame) => (kind === 'message' ? [offset] : [])),
      reason: () => frames().find(({ kind }) => kind === 'goodbye')?.reason,
      /** Lets everything happen that happens at this moment. */
      settle: async () => {
        for (let turn = 0; turn < 8; turn++) {
          stream.tick(this.now);
          for (let at = 0; at < 6; at++) await new Promise((resolve) => setImmediate(resolve));
        }
      },
    };
  }

  [Symbol.dispose](): void {
    this.journal.close();
    this.#folder[Symbol.dispose]();
  }
}
