/** `sluice vision check`: whether an execution provider works here, computes what the CPU computes, and how fast. */
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from './errors.ts';
import { addSettings, settingsOf } from './settings.ts';

const FAILED = 1;
const SETTINGS = ['vision-models-folder', 'vision-threads'];

export function visionCheckCommand(): Command {
  const command = new Command('check')
    .description(
      'Compare an execution provider with the CPU, and measure it per batch size: one line of JSON per finding',
    )
    .addOption(new Option('--provider <name>', 'What to check').choices(['cpu', 'cuda']).default('cuda'))
    .option(
      '--services <names>',
      'Services whose models to check, with commas between them',
      'faceextract,ocr,document,document-1.1',
    )
    .option('--max-batch <samples>', 'Largest batch to try', atLeastOne, 16)
    .option('--seconds <seconds>', 'How long to measure each batch size', positive, 1);
  return addSettings(command, (flag) => SETTINGS.includes(flag)).action(() => run(command));
}

async function run(command: Command): Promise<void> {
  const { provider, services, maxBatch, seconds } = command.opts<{
    provider: 'cpu' | 'cuda';
    services: string;
    maxBatch: number;
    seconds: number;
  }>();
  const { vision } = await settingsOf(command);
  // Loaded here, so that no other command waits for the runtime of the models.
  const { checkProvider } = await import('../../vision/check/check-provider.ts');
  const { ModelUnavailable } = await import('../../vision/inference/errors.ts');
  const { findManifest } = await import('../../vision/models/model-folder.ts');
  const { loadService, SERVICE_NAMES } = await import('../../vision/services/registry.ts');
  const names = services.split(',');
  const unknown = names.find((name) => !SERVICE_NAMES.includes(name));
  if (unknown !== undefined) throw new UsageError(`no vision service '${unknown}': use ${SERVICE_NAMES.join(', ')}`);
  const say = (text: string) => process.stderr.write(`${text}\n`);
  try {
    const ok = await checkProvider({
      provider,
      services: await Promise.all(
        names.map(async (name) => {
          const service = await loadService(name);
          return { service, manifest: await findManifest(vision.models.folder, service) };
        }),
      ),
      threads: vision.threads || availableParallelism(),
      maxBatch,
      seconds,
      report: (line) => process.stdout.write(`${JSON.stringify(line)}\n`),
    });
    say(
      ok
        ? `${provider} works here and agrees with the CPU`
        : `${provider} DIFFERS from the CPU: see the lines with "ok":false`,
    );
    if (!ok) process.exitCode = FAILED;
  } catch (error) {
    if (!(error instanceof ModelUnavailable)) throw error;
    say(`${provider} cannot be used here: ${error.message}`);
    process.exitCode = FAILED;
  }
}

function atLeastOne(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('use a whole number from 1');
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('use a number above 0');
  return value;
}
