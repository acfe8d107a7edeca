/** `sluice topics show|diff|apply`: the topics as the config defines them, and as they are. */
import { Command } from 'commander';
import { applyTopics, diffTopics, showTopics, type TopicPlan } from '../../protocol/log/topic-plan.ts';
import { topicDefinitions } from '../../protocol/log/topics.ts';
import { addSettings, settingsOf } from './settings.ts';
import { withLog } from './with-log.ts';

export function topicsCommand(): Command {
  const show = new Command('show').description('Every topic as it is: one line of JSON each');
  addSettings(show).action(async () => {
    const config = await settingsOf(show);
    await withLog(config, async (log) => {
      for (const { definition, description } of await showTopics(log, topicDefinitions(config.topics)))
        print({ topic: definition.name, ...(description ?? { missing: true }) });
    });
  });
  const diff = new Command('diff').description('What apply would do; ends with 1 where anything differs');
  addSettings(diff).action(async () => {
    const config = await settingsOf(diff);
    const plans = await withLog(config, (log) => diffTopics(log, topicDefinitions(config.topics)));
    for (const plan of plans) print(outline(plan));
    const differing = plans.filter(({ action }) => action !== 'none').length;
    if (differing > 0) throw new Error(`${differing} topics are not as they are defined`);
  });
  const apply = new Command('apply')
    .description('Create and alter topics until they are as defined; deletes nothing')
    .option('--allow-new-epoch', 'Let topics get more partitions: keys move, and every saved position becomes void');
  addSettings(apply).action(async () => {
    const config = await settingsOf(apply);
    const { allowNewEpoch = false } = apply.opts<{ allowNewEpoch?: boolean }>();
    const plans = await withLog(config, (log) => applyTopics(log, topicDefinitions(config.topics), { allowNewEpoch }));
    for (const plan of plans) print(outline(plan));
    const refused = plans.filter(({ action }) => action === 'refuse').length;
    if (refused > 0) throw new Error(`${refused} topics were left as they are`);
  });
  const command = new Command('topics').description('The topics that the services share');
  for (const part of [show, diff, apply]) command.addCommand(part);
  return command;
}

function outline({ definition, ...plan }: TopicPlan): object {
  return { topic: definition.name, ...plan };
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
