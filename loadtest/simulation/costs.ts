/**
 * What things cost: the figures of costs.json, each with its source, replaced by those of benchmark results where there are
 * any. The model knows no number that is not in here, and none without a source.
 */
import { readFileSync } from 'node:fs';
import type { BenchRun } from '../results.ts';

/** Where a benchmark's results have the figure. */
interface BenchFigure {
  readonly suite: string;
  readonly case: string;
  readonly variant: string;
  /** One of the variant's further numbers; its median otherwise. */
  readonly also?: string;
  /** The value is that of the whole machine: divided by its cores. */
  readonly perCore?: boolean;
}

export interface Cost {
  readonly value: number;
  readonly unit: string;
  /** Nobody measured what is assumed: it is a rule of thumb or a data sheet's figure. */
  readonly kind: 'measured' | 'assumed';
  readonly source: string;
  readonly bench?: BenchFigure;
}

export type CostName = keyof typeof COST_NAMES;
export type Costs = Readonly<Record<CostName, Cost>>;

/** Named, so that a figure that is missing from the file is found when the file is read, not in a NaN of a table. */
const COST_NAMES = {
  gatewayRequestsPerCore: true,
  faceextractMsPerImage: true,
  barcodeMsPerImage: true,
  ocrMsPerImage: true,
  journalerRecordsPerSecond: true,
  catchUpMessagesPerCore: true,
  deliveryMicroseconds: true,
  openMilliseconds: true,
  connectionKib: true,
  pushMicroseconds: true,
  summaryRecordsPerSecond: true,
  secretMilliseconds: true,
  keyMilliseconds: true,
  exchangeMilliseconds: true,
  rebalanceMilliseconds: true,
  envelopeBytes: true,
  kernelKibPerConnection: true,
  networkBytesPerSecond: true,
  brokerBytesPerSecond: true,
  partitionsPerBroker: true,
};

/** The figures as documented. @throws {Error} the file lacks one or has one too many, or a value is no number above 0 */
export function documentedCosts(): Costs {
  const read: Record<string, Cost> = JSON.parse(readFileSync(new URL('./costs.json', import.meta.url), 'utf8'));
  const wrong = [...new Set([...Object.keys(read), ...Object.keys(COST_NAMES)])].filter(
    (name) => !(name in COST_NAMES) || !((read[name]?.value ?? 0) > 0),
  );
  if (wrong.length > 0) throw new Error(`costs.json must give a number above 0 for exactly what is used: ${wrong}`);
  return read as Costs;
}

/**
 * Takes each figure from the newest full-scale run that has it.
 * @param runs oldest first
 */
export function costsFrom(documented: Costs, runs: readonly BenchRun[]): Costs {
  const full = runs.filter(({ scale }) => scale === 1);
  const entries = Object.entries(documented).map(([name, cost]) => [name, fromRuns(cost, full) ?? cost]);
  return Object.fromEntries(entries);
}

function fromRuns(cost: Cost, runs: readonly BenchRun[]): Cost | undefined {
  const { bench } = cost;
  if (bench === undefined) return undefined;
  for (const run of runs.toReversed()) {
    if (run.suite !== bench.suite) continue;
    const variant = run.cases
      .find(({ name }) => name === bench.case)
      ?.variants.find(({ name }) => name === bench.variant);
    const figure = bench.also === undefined ? variant?.median : variant?.also[bench.also];
    // A variant that did not run has null in the file.
    if (!figure) continue;
    const value = bench.perCore ? figure / run.machine.cores : figure;
    return { ...cost, value, source: `benchmark ${run.suite} of ${run.time}, commit ${run.machine.commit}` };
  }
  return undefined;
}
