/** `sluice config`: prints the config as it would be used, for the same flags and environment, without its secrets. */
import { Command } from 'commander';
import { leavesOf } from '../../protocol/config/leaves.ts';
import { SluiceConfig } from './config.ts';
import { addSettings, settingsOf } from './settings.ts';

export function configCommand(): Command {
  const command = new Command('config').description(
    'Print the config in effect as JSON, without secrets; --explain lists every setting',
  );
  command.option('--explain', 'List every setting with its flag, environment variable, default and meaning');
  return addSettings(command).action(async () => {
    const config = await settingsOf(command);
    if (command.getOptionValue('explain')) process.stdout.write(explanation());
    else process.stdout.write(`${JSON.stringify(withoutSecrets(config), null, 2)}\n`);
  });
}

function withoutSecrets(config: SluiceConfig): object {
  const shown = structuredClone(config);
  for (const { path, schema } of leavesOf(SluiceConfig).filter((leaf) => leaf.schema.writeOnly)) {
    const parent = path.slice(0, -1).reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], shown);
    const { [path.at(-1)!]: secret } = parent as Record<string, unknown>;
    if (secret === schema.default) continue;
    delete (parent as Record<string, unknown>)[path.at(-1)!];
    process.stderr.write(`${path.join('.')} is set and not shown\n`);
  }
  return shown;
}

function explanation(): string {
  return leavesOf(SluiceConfig)
    .map(
      ({ path, flag, environment, schema }) =>
        `${path.join('.')}\n  ${schema.description}\n  --${flag}  ${environment}  default ${JSON.stringify(schema.default)}\n`,
    )
    .join('\n');
}
