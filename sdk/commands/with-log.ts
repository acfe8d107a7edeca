/** Opens the deployment's log for the length of one command. */
import type { Log } from '../../protocol/log/log.ts';
import { openLog } from '../../protocol/log/open.ts';
import { checkLogFiles } from './check-start.ts';
import type { SluiceConfig } from './config.ts';
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
