/** Results of benchmark runs as JSON files in one folder: written once, read back to compare with. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MachineFacts } from './machine.ts';
import type { SuiteResult } from './run-suite.ts';

export interface BenchRun extends SuiteResult {
  /** RFC 3339, when it began. */
  readonly time: string;
  readonly scale: number;
  readonly machine: MachineFacts;
}

/** @returns the path of the file */
export async function saveRun(folder: string, run: BenchRun): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${run.suite}-${run.time.replaceAll(':', '-')}.json`);
  await writeFile(path, `${JSON.stringify(run, undefined, 2)}\n`, { flag: 'wx' });
  return path;
}

/** Every run of the folder, oldest first; none where the folder is missing. */
export async function loadRuns(folder: string): Promise<BenchRun[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = names.filter((name) => name.endsWith('.json'));
  const runs = await Promise.all(files.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))));
  return (runs as BenchRun[]).sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
}

/** How a variant's median changed against the run before it: 1.1 is a tenth more; undefined without a like run. */
export function changeAgainst(
  previous: BenchRun | undefined,
  caseName: string,
  variantName: string,
  now: number,
): number | undefined {
  const before = medianIn(previous, caseName, variantName);
  return before === undefined ? undefined : now / before;
}

/** A variant's median in a run; undefined where it did not run. */
export function medianIn(run: BenchRun | undefined, caseName: string, variantName: string): number | undefined {
  const variants = run?.cases.find(({ name }) => name === caseName)?.variants;
  // A variant that did not run has NaN, which JSON turns into null.
  return variants?.find(({ name }) => name === variantName)?.median || undefined;
}

/** The newest earlier run of the same suite at the same scale. */
export function runBefore(run: BenchRun, runs: readonly BenchRun[]): BenchRun | undefined {
  return runs.findLast(
    (other) => other.suite === run.suite && other.scale === run.scale && Date.parse(other.time) < Date.parse(run.time),
  );
}
