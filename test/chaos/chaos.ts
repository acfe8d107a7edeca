/** `npm run chaos -- --seed 7 --seconds 600`: a chaos run by hand. Prints the report; ends with 1 when a promise was broken. */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { ChaosLog } from './deployment.ts';
import { runChaos } from './run-chaos.ts';
import { FAULTS, type FaultName } from './schedule.ts';

interface Options {
  readonly seed: number;
  readonly seconds: number;
  readonly fault?: FaultName[];
  readonly log: ChaosLog;
}

await new Command('chaos')
  .description(
    'Strikes a deployment under load with faults and proves that its clients were promised no more than they got',
  )
  .option('--seed <n>', 'The same seed strikes in the same way on the same machine', whole, Date.now() % 1_000_000)
  .option('--seconds <n>', 'Planned time of faults and pauses', whole, 600)
  .addOption(new Option('--fault <name...>', 'Only these').choices(FAULTS))
  .addOption(
    new Option('--log <kind>', 'With Kafka the loss of its broker is a fault more')
      .choices(['embedded', 'kafka'])
      .default('embedded'),
  )
  .action(chaos)
  .parseAsync();

async function chaos({ seed, seconds, fault, log }: Options): Promise<void> {
  process.stderr.write(`seed ${seed}\n`);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  const report = await runChaos({
    signal: stop.signal,
    seed,
    seconds,
    log,
    ...(fault !== undefined && { faults: fault }),
    say,
  });
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  if (report.findings.length > 0) process.exitCode = 1;
}

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('a whole number is needed');
  return Number(text);
}
