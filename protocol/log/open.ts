/** Opens the log that the settings name. */
import { openEmbeddedLog } from './embedded/open.ts';
import { LogUnavailableError } from './errors.ts';
import type { Log } from './log.ts';
import type { LogSettings } from './settings.ts';

/** @throws {LogUnavailableError} or what keeps the log from opening */
export async function openLog(settings: LogSettings): Promise<Log> {
  switch (settings.kind) {
    case 'embedded':
      return openEmbeddedLog({ folder: settings.folder });
    case 'kafka':
      throw new Error('the Kafka log is not in this build yet');
  }
}
