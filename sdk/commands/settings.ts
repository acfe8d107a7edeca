/** Gives a command the settings of a deployment as flags, and loads the config from flags, environment and file. */
import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { leavesOf } from '../../protocol/config/leaves.ts';
import { ConfigError, loadConfig } from '../../protocol/config/load.ts';
import { SluiceConfig } from './config.ts';
import { CLIENT_VARIABLES } from './connection.ts';

const LEAVES = leavesOf(SluiceConfig);

/** @param accepts which settings the command takes, by flag; all by default */
export function addSettings(command: Command, accepts: (flag: string) => boolean = () => true): Command {
  command.option('--config <file>', 'JSON file with settings, nested as `sluice config` prints them');
  for (const leaf of LEAVES.filter(({ flag }) => accepts(flag))) {
    const option = new Option(`--${leaf.flag} <value>`, `${leaf.schema.description} (${leaf.environment})`);
    option.default(undefined, JSON.stringify(leaf.schema.default));
    command.addOption(option);
  }
  return command;
}

/** @throws {ConfigError} */
export async function settingsOf(command: Command): Promise<SluiceConfig> {
  const flags: Record<string, string> = {};
  for (const option of command.options) {
    const value = command.getOptionValue(option.attributeName());
    const flag = option.long?.slice(2);
    if (typeof value === 'string' && LEAVES.some((leaf) => leaf.flag === flag)) flags[flag!] = value;
  }
  return loadConfig(SluiceConfig, {
    flags,
    environment: Object.fromEntries(Object.entries(process.env).filter(([name]) => !CLIENT_VARIABLES.includes(name))),
    file: await readConfigFile(command.getOptionValue('config')),
  });
}

/** @param path such as `kafka.brokers` @returns the setting by every name that it goes by */
export function describeSetting(path: string): string {
  const leaf = LEAVES.find((candidate) => candidate.path.join('.') === path);
  return leaf === undefined ? path : `${path} (--${leaf.flag}, ${leaf.environment})`;
}

/** @param path such as `kafka.brokers` */
export function settingValue(config: object, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], config);
}

async function readConfigFile(path: unknown): Promise<unknown> {
  if (typeof path !== 'string') return undefined;
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new ConfigError(`the config file ${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
