/** `sluice token`: prints one token and nothing else. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { mintFor } from './mint.ts';
import { addSettings, settingsOf } from './settings.ts';

const DAY_SECONDS = 86_400;

export function tokenCommand(): Command {
  const command = new Command('token')
    .description('Print an authorisation token made with the keys of the data folder')
    .requiredOption('--client <id>', 'The client that the token speaks for')
    .option(
      '--grant <pattern...>',
      "What it grants, such as 'ocr-*' or 'ocr-1.0={\"…\":…}'; default: all that runs by default",
    )
    .option('--ttl <seconds>', 'How long it is valid; 31 days (2678400) at most', String(DAY_SECONDS));
  return addSettings(command, (flag) => flag === 'data').action(async () => {
    const config = await settingsOf(command);
    const { client, grant = [], ttl } = command.opts<{ client: string; grant?: string[]; ttl: string }>();
    const isNew = !existsSync(join(config.data, 'keys'));
    const token = await mintFor(config.data, client, grant, Number(ttl));
    if (isNew)
      process.stderr.write(`sluice: ${config.data} had no keys: new ones were made, for what runs with this --data\n`);
    process.stdout.write(`${token}\n`);
  });
}
