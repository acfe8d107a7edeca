/** `sluice lag`: how far each consumer group is behind, per partition. */
import { Command } from 'commander';
import { addSettings, settingsOf } from './settings.ts';
import { withLog } from './with-log.ts';

export function lagCommand(): Command {
  const command = new Command('lag')
    .description('How far a consumer group is behind in a topic: one line of JSON per partition')
    .requiredOption('--group <name>', 'The group, such as vision-ocr-1.0 or summary')
    .requiredOption('--topic <name>', 'The topic, such as ingest-1');
  return addSettings(command).action(async () => {
    const { group, topic } = command.opts<{ group: string; topic: string }>();
    await withLog(await settingsOf(command), async (log) => {
      for (const partition of await log.lag(group, topic)) process.stdout.write(`${JSON.stringify(partition)}\n`);
    });
  });
}
