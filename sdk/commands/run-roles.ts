/** `sluice up` and one command per role: run until told to stop. */
import { Command } from 'commander';
import { checkStart } from './check-start.ts';
import { createLogger } from './logger.ts';
import { ROLES, type RoleName } from './role-names.ts';
import { addSettings, settingsOf } from './settings.ts';
import { visionCheckCommand } from './vision-check.ts';
import { welcome } from './welcome.ts';

const DESCRIPTIONS: Record<RoleName, string> = {
  identity: 'Run the authentication and the authorisation service',
  gateway: 'Run the HTTP edge that takes images in',
  firehose: 'Run the journal of results and its long-lived streams',
  vision: 'Run the vision services',
  summary: 'Run the service that combines the results of a transaction',
  push: 'Run the delivery of results to webhooks',
};

export function roleCommands(): Command[] {
  const up = roleCommand('up', 'Run all roles in one process', ROLES);
  const alone = ROLES.map((role) => roleCommand(role, DESCRIPTIONS[role], [role]));
  alone.find((command) => command.name() === 'vision')?.addCommand(visionCheckCommand());
  return [up, ...alone];
}

function roleCommand(name: string, description: string, roles: readonly RoleName[]): Command {
  const command = new Command(name).description(description);
  return addSettings(command).action(() => run(command, roles));
}

async function run(command: Command, roles: readonly RoleName[]): Promise<void> {
  const config = await settingsOf(command);
  await checkStart(config, roles);
  const logger = createLogger(config.logLevel);
  const stopped = stopSignal();
  // Loaded here, so that no other command waits for the code of every role.
  const { startRoles } = await import('./start-roles.ts');
  const sluice = await startRoles(roles, config, logger);
  const outcome = await Promise.race([sluice.ready.then(() => 'ready' as const), stopped]);
  if (outcome === 'ready') {
    process.stdout.write(`ready ${sluice.url}\n`);
    if (config.welcome) process.stderr.write(await welcome(sluice.url, config));
    await stopped;
  }
  logger.info('stopping');
  await sluice.stop();
  logger.info('stopped');
}

function stopSignal(): Promise<'stopped'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve('stopped'));
  });
}
