/** Opens the deployment's log for the length of one command. */
import type { Log } from '../../protocol/log/log.ts';
import { openLog } from '../../protocol/log/open.ts';
import type { SluiceConfig } from './config.ts';
import { logSettings } from './log-settings.ts';

export async function withLog<T>(config: SluiceConfig, use: (log: Log) => Promise<T>): Promise<T> {
  const log = await openLog(logSettings(config));
  try {
    return await use(log);
  } finally {
    await log.close();
  }
}
