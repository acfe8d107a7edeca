/**
 * `npm run bench -- [suite …]`: runs benchmark suites by name (`firehose` also runs `firehose-idle`), all without a
 * name, and leaves a JSON file and tables in Markdown of each run, and one HTML report of all, in the folder of --out.
 * Ends with 1 when a goal was missed.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { positive, runProgram, UsageError } from './command-line.ts';
import { machineFacts } from './machine.ts';
import { reportHtml } from './report-html.ts';
import { reportTables } from './report-table.ts';
import { type BenchRun, loadRuns, saveRun } from './results.ts';
import { runSuite, type SuiteResult } from './run-suite.ts';
import { SUITES } from './suites.ts';

interface Options {
  readonly out: string;
  readonly rounds?: number;
  readonly scale: number;
}

const say = (line: string) => process.stderr.write(`${line}\n`);

const command = new Command('bench')
  .description('Measures Sluice beside peers and physical limits, as ratios within one run')
  .argument('[suite...]', 'names, or beginnings of names', [])
  .option('--out <folder>', 'where results and the report go, and earlier results are found', '.bench')
  .option('--rounds <n>', 'rounds of each case instead of its own number', positive)
  .option('--scale <x>', 'multiplies the amount of work: 0.01 tries a suite out', positive, 1)
  .action(bench);

async function bench(prefixes: string[], options: Options): Promise<void> {
  const chosen = Object.keys(SUITES).filter(
    (name) => prefixes.length === 0 || prefixes.some((prefix) => name === prefix || name.startsWith(`${prefix}-`)),
  );
  if (chosen.length === 0) throw new UsageError(`no such suite; there are: ${Object.keys(SUITES).join(', ')}`);
  for (const name of chosen) {
    const { suite } = await SUITES[name]!();
    const run = { time: new Date().toISOString(), scale: options.scale, machine: machineFacts() };
    const result = await runSuite(suite, { ...options, progress: say });
    const done: BenchRun = { ...run, ...result };
    say(`saved ${await saveRun(options.out, done)}`);
    await writeFile(join(options.out, `${name}.md`), reportTables(done));
    for (const line of verdicts(result)) say(line);
  }
  const report = join(options.out, 'report.html');
  await writeFile(report, reportHtml(await loadRuns(options.out)));
  say(`report ${report}`);
}

function* verdicts(result: SuiteResult): Iterable<string> {
  for (const { name, goals } of result.cases)
    for (const { subject, against, ratio, met } of goals) {
      if (met === false) process.exitCode = 1;
      const outcome = ratio === undefined ? 'not judged' : `${ratio.toFixed(2)} ${met ? 'met' : 'MISSED'}`;
      yield `${result.suite}, ${name}: ${subject} ÷ ${against} = ${outcome}`;
    }
}

await runProgram(command);
