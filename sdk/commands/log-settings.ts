/** Which log a deployment's config names. */
import { join } from 'node:path';
import type { LogSettings } from '../../protocol/log/settings.ts';
import type { SluiceConfig } from './config.ts';

export function logSettings(config: SluiceConfig): LogSettings {
  return config.log === 'kafka'
    ? { kind: 'kafka', kafka: config.kafka }
    : { kind: 'embedded', folder: join(config.data, 'log') };
}
