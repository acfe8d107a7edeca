/**
 * What a benchmark suite is made of. Every claim is a ratio inside one run: the runner opens all variants of a case,
 * warms each up once, then measures them in alternating order, round after round, and compares within each round, so
 * that a machine that slows down in between slows all of them.
 *
 * A suite is a file of this folder that exports `suite: Suite` and stands in suites.ts:
 *
 *     export const suite: Suite = {
 *       name: 'append',
 *       about: 'entries journaled in batches',
 *       cases: [{
 *         name: 'batches of 500', unit: 'entries/s', better: 'higher',
 *         goals: [{ subject: 'journal', against: 'raw file', atLeast: 0.5 }],
 *         variants: [
 *           { name: 'journal', kind: 'subject', durability: 'fsync per batch', open: openJournalVariant },
 *           { name: 'raw file', kind: 'limit', durability: 'fsync per batch', open: openRawFileVariant },
 *         ],
 *       }],
 *     };
 */

export interface Suite {
  readonly name: string;
  readonly about: string;
  readonly cases: readonly BenchCase[];
}

/** Variants that do the same work, measured side by side. */
export interface BenchCase {
  readonly name: string;
  /** Of every value of this case, such as `messages/s`. */
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly variants: readonly Variant[];
  /** Rounds unless the command line says otherwise; default 5. */
  readonly rounds?: number;
  readonly goals?: readonly Goal[];
}

export interface Variant {
  readonly name: string;
  /** What we built, somebody else's doing the same, or the raw loop that does only the I/O or the inference. */
  readonly kind: 'subject' | 'peer' | 'limit';
  /** What survives what, where it stores anything: a comparison of speeds without it says little. */
  readonly durability?: string;
  /**
   * Prepares everything that is not to be measured.
   * @throws VariantUnavailable where the machine lacks what it needs; the case then goes on without it
   */
  open(context: BenchContext): Promise<OpenVariant>;
}

export interface BenchContext {
  /** An empty folder of this variant alone, removed afterwards. */
  readonly folder: string;
  /** 1 in earnest, smaller to try a suite out: multiply amounts of work by it. */
  readonly scale: number;
}

export interface OpenVariant {
  /** One measurement; checks its own work (order, count, duplicates) and throws when that is wrong. */
  measure(): Promise<Measurement>;
  close(): Promise<void>;
}

export interface Measurement {
  /** In the unit of the case. */
  readonly value: number;
  /** Further numbers of the same measurement, with the unit in the name: `{ p99_ms: 4.2, mib_per_s: 310 }`. */
  readonly also?: Readonly<Record<string, number>>;
}

/** The median over the rounds of subject ÷ against is to keep to these bounds. */
export interface Goal {
  readonly subject: string;
  readonly against: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** The variant cannot run on this machine; the message says what is missing and how to get it. */
export class VariantUnavailable extends Error {
  override readonly name = 'VariantUnavailable';
}
