/** Opens the deployment's log for the length of one command. */
import { existsSync } from 'node:fs';
import type { Log } from '../../protocol/log/log.ts';
import { openLog } from '../../protocol/log/open.ts';
import { checkLogFiles } from './check-start.ts';
import type { SluiceConfig } from './config.ts';
import { UsageError } from './errors.ts';
import { logSettings } from './log-settings.ts';

/** @throws {ConfigError} a file that a setting names for reaching the log cannot be read */
export async function withLog<T>(config: SluiceConfig, use: (log: Log) => Promise<T>): Promise<T> {
  await checkLogFiles(config);
  const log = await openLog(logSettings(config));
  try {
    return await use(log);
  } finally {
    await log.close();
  }
}

/**
 * For commands that only read: they make no log where there is none.
 * @throws {UsageError} the data folder has no log, perhaps because its name is mistyped
 */
export async function withExistingLog<T>(config: SluiceConfig, use: (log: Log) => Promise<T>): Promise<T> {
  const settings = logSettings(config);
  if (settings.kind === 'embedded' && !existsSync(settings.folder))
    throw new UsageError(`there is no log in ${config.data}: name the folder of a deployment with --data`);
  return withLog(config, use);
}
