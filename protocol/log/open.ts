/** Opens the log that the settings name. */
import { openEmbeddedLog } from './embedded/open.ts';
import { openKafkaLog } from './kafka/open.ts';
import type { Log } from './log.ts';
import type { LogSettings } from './settings.ts';

export async function openLog(settings: LogSettings): Promise<Log> {
  switch (settings.kind) {
    case 'embedded': {
      const { kind: _, ...options } = settings;
      return openEmbeddedLog(options);
    }
    case 'kafka':
      return openKafkaLog(settings.kafka);
  }
}
