/** Opens the log that the settings name: the one place that knows both implementations. */
import { openEmbeddedLog } from './embedded/embedded-log.ts';
import { openKafkaLog } from './kafka/kafka-log.ts';
import type { Log } from './log.ts';
import type { LogSettings } from './settings.ts';

export function openLog(settings: LogSettings): Promise<Log> {
  switch (settings.kind) {
    case 'embedded':
      return openEmbeddedLog({ folder: settings.folder });
    case 'kafka':
      return openKafkaLog(settings.kafka);
  }
}
