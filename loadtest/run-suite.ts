/** Runs one suite: opens all variants of a case, warms them up, measures them in alternating order, compares them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from './statistics.ts';
import { type BenchCase, type Goal, type OpenVariant, type Suite, type Variant, VariantUnavailable } from './suite.ts';

export interface SuiteResult {
  readonly suite: string;
  readonly about: string;
  readonly cases: readonly CaseResult[];
}

export interface CaseResult {
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly rounds: number;
  readonly variants: readonly VariantResult[];
  readonly goals: readonly GoalResult[];
}

export interface VariantResult {
  readonly name: string;
  readonly kind: Variant['kind'];
  readonly durability?: string;
  /** Why it did not run, if it did not. */
  readonly unavailable?: string;
  /** One for each round, in order. */
  readonly values: readonly number[];
  readonly median: number;
  /** The median over the rounds of each further number. */
  readonly also: Readonly<Record<string, number>>;
}

export interface GoalResult extends Goal {
  /** Median over the rounds of subject ÷ against; undefined where one of them did not run. */
  readonly ratio?: number;
  readonly met?: boolean;
}

export interface RunOptions {
  /** Overrides the rounds of every case. */
  readonly rounds?: number;
  readonly scale: number;
  /** Hears what is going on, a line at a time. */
  readonly progress: (line: string) => void;
}

const DEFAULT_ROUNDS = 5;

export async function runSuite(suite: Suite, options: RunOptions): Promise<SuiteResult> {
  const cases: CaseResult[] = [];
  for (const benchCase of suite.cases) {
    options.progress(`${suite.name}: ${benchCase.name}`);
    cases.push(await runCase(benchCase, options));
  }
  return { suite: suite.name, about: suite.about, cases };
}

interface Lane {
  readonly variant: Variant;
  readonly open: OpenVariant | undefined;
  /** Why it is not measured, or not any more. */
  unavailable: string | undefined;
  readonly values: number[];
  readonly also: Record<string, number[]>;
}

async function runCase(benchCase: BenchCase, options: RunOptions): Promise<CaseResult> {
  const rounds = options.rounds ?? benchCase.rounds ?? DEFAULT_ROUNDS;
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const lanes: Lane[] = [];
  try {
    for (const [index, variant] of benchCase.variants.entries())
      lanes.push(await openLane(variant, await mkdtemp(join(folder, `${index}-`)), options));
    const running = lanes.filter((lane) => lane.open !== undefined);
    for (const lane of running) await orWithout(lane, options, () => lane.open!.measure());
    for (let round = 0; round < rounds; round++) {
      // Forwards and backwards by turns: none always runs after the same neighbour.
      for (const lane of round % 2 === 0 ? running : running.toReversed())
        await orWithout(lane, options, () => measure(lane));
      options.progress(`  round ${round + 1}/${rounds}  ${running.map(latest).join('   ')}`);
    }
  } finally {
    for (const lane of lanes.toReversed()) await lane.open?.close();
    await rm(folder, { recursive: true, force: true });
  }
  const { name, unit, better, goals = [] } = benchCase;
  return { name, unit, better, rounds, variants: lanes.map(variantResult), goals: goals.map(judge(lanes)) };
}

async function openLane(variant: Variant, folder: string, options: RunOptions): Promise<Lane> {
  const lane = { variant, values: [], also: {} };
  try {
    return { ...lane, open: await variant.open({ folder, scale: options.scale }), unavailable: undefined };
  } catch (error) {
    if (!(error instanceof VariantUnavailable)) throw error;
    options.progress(`  without ${variant.name}: ${error.message}`);
    return { ...lane, open: undefined, unavailable: error.message };
  }
}

/** A peer that does its work wrong is left out from then on, and the result says why; what we built, or the raw limit, must not. */
async function orWithout(lane: Lane, options: RunOptions, work: () => Promise<unknown>): Promise<void> {
  if (lane.unavailable !== undefined) return;
  try {
    await work();
  } catch (error) {
    if (lane.variant.kind !== 'peer') throw error;
    lane.unavailable = `it failed: ${error instanceof Error ? error.message : error}`;
    lane.values.length = 0;
    options.progress(`  without ${lane.variant.name}: ${lane.unavailable}`);
  }
}

async function measure(lane: Lane): Promise<void> {
  const { value, also = {} } = await lane.open!.measure();
  lane.values.push(value);
  for (const [name, number] of Object.entries(also)) {
    lane.also[name] ??= [];
    lane.also[name].push(number);
  }
}

function latest({ variant, values }: Lane): string {
  return `${variant.name} ${values.at(-1)?.toPrecision(4) ?? '–'}`;
}

function variantResult({ variant, unavailable, values, also }: Lane): VariantResult {
  return {
    name: variant.name,
    kind: variant.kind,
    ...(variant.durability !== undefined && { durability: variant.durability }),
    ...(unavailable !== undefined && { unavailable }),
    values,
    median: median(values),
    also: Object.fromEntries(Object.entries(also).map(([name, numbers]) => [name, median(numbers)])),
  };
}

/** Compares within each round first: what slowed the machine in a round slowed both. */
function judge(lanes: readonly Lane[]): (goal: Goal) => GoalResult {
  return (goal) => {
    const [subject, against] = [goal.subject, goal.against].map((name) => {
      const lane = lanes.find(({ variant }) => variant.name === name);
      if (lane === undefined) throw new Error(`the goal names '${name}', which is no variant of its case`);
      return lane.values;
    }) as [number[], number[]];
    if (subject.length === 0 || against.length === 0) return goal;
    const ratio = median(subject.map((value, round) => value / against[round]!));
    return { ...goal, ratio, met: ratio >= (goal.atLeast ?? 0) && ratio <= (goal.atMost ?? Number.POSITIVE_INFINITY) };
  };
}
