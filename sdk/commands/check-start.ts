/** What settings name and a process cannot start without: what is missing is wrong usage, told before anything is opened. */
import { readFile } from 'node:fs/promises';
import { ConfigError } from '../../protocol/config/load.ts';
import type { SluiceConfig } from './config.ts';
import type { RoleName } from './role-names.ts';
import { describeSetting, settingValue } from './settings.ts';

const EDGE_FILES = ['tlsCertFile', 'tlsKeyFile'];
const KAFKA_FILES = ['kafka.tlsCaFile', 'kafka.tlsCertFile', 'kafka.tlsKeyFile'];
const PUSH_FILES = ['push.tls.caFile', 'push.tls.certFile', 'push.tls.keyFile'];

/** @throws {ConfigError} names the setting, what it says, and what would be accepted */
export async function checkStart(config: SluiceConfig, roles: readonly RoleName[]): Promise<void> {
  if ((config.tlsCertFile === '') !== (config.tlsKeyFile === ''))
    throw new ConfigError(
      `${EDGE_FILES.map(describeSetting).join(' and ')} belong together: give both for HTTPS, or neither`,
    );
  await checkFiles(config, EDGE_FILES);
  if (roles.includes('push')) await checkFiles(config, PUSH_FILES);
  if (roles.includes('vision')) await checkServices(config.vision.services);
  await checkLogFiles(config);
}

/** Files that reaching the log needs. @throws {ConfigError} */
export async function checkLogFiles(config: SluiceConfig): Promise<void> {
  if (config.log === 'kafka') await checkKafkaFiles(config);
}

/**
 * Not those with tokens or credentials, which are read again for every use: another process may be about to write them.
 *
 * @throws {ConfigError}
 */
export async function checkKafkaFiles(config: Pick<SluiceConfig, 'kafka'>): Promise<void> {
  if (config.kafka.tls) await checkFiles(config, KAFKA_FILES);
}

async function checkFiles(config: object, settings: readonly string[]): Promise<void> {
  for (const setting of settings) {
    const file = settingValue(config, setting) as string;
    if (file === '') continue;
    try {
      await readFile(file);
    } catch (cause) {
      const reason = (cause as Error).message;
      throw new ConfigError(`${describeSetting(setting)} names '${file}', which cannot be read: ${reason}`, { cause });
    }
  }
}

async function checkServices(names: readonly string[]): Promise<void> {
  // Loaded here, so that no other command waits for them.
  const { ModelUnavailable } = await import('../../vision/inference/errors.ts');
  const { loadService } = await import('../../vision/services/registry.ts');
  const { SYNTHETIC_SERVICE } = await import('../../vision/synthetic/engine.ts');
  for (const name of names.filter((each) => each !== SYNTHETIC_SERVICE.name)) {
    try {
      await loadService(name);
    } catch (cause) {
      if (!(cause instanceof ModelUnavailable)) throw cause;
      throw new ConfigError(`${describeSetting('vision.services')}: ${cause.message}, and ${SYNTHETIC_SERVICE.name}`, {
        cause,
      });
    }
  }
}
