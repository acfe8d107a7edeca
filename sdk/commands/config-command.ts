/** `sluice config`: prints the config as it would be used, for the same flags and environment. */
import { Command } from 'commander';
import { leavesOf } from '../../protocol/config/leaves.ts';
import { SluiceConfig } from './config.ts';
import { addSettings, settingsOf } from './settings.ts';

export function configCommand(): Command {
  const command = new Command('config').description(
    'Print the config in effect as JSON; --explain lists every setting',
  );
  command.option('--explain', 'List every setting with its flag, environment variable, default and meaning');
  return addSettings(command).action(async () => {
    const config = await settingsOf(command);
    process.stdout.write(command.getOptionValue('explain') ? explanation() : `${JSON.stringify(config, null, 2)}\n`);
  });
}

function explanation(): string {
  return leavesOf(SluiceConfig)
    .map(
      ({ path, flag, environment, schema }) =>
        `${path.join('.')}\n  ${schema.description}\n  --${flag}  ${environment}  default ${JSON.stringify(schema.default)}\n`,
    )
    .join('\n');
}
