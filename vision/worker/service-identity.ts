/** Who a vision service is towards the log and in tokens. */
import type { ServiceVersion } from '../../protocol/claims/grant.ts';
import { isStandardVersion } from '../services/registry.ts';

export interface ServiceIdentity {
  /** Such as "ocr". */
  readonly name: string;
  /** `<major>.<minor>`. */
  readonly version: string;
}

const VERSION = /^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$/;

/** Every version of every service is a consumer group of its own, so that two versions can run side by side. */
export function consumerGroup(service: ServiceIdentity): string {
  return `vision-${service.name}-${service.version}`;
}

/** The name by which people know a version that runs: the service's own for the standard version, with the version for any other. */
export function instanceName({ name, version }: ServiceIdentity): string {
  return isStandardVersion(name, version) ? name : `${name}-${version}`;
}

/** @throws {TypeError} the version is not `<major>.<minor>` */
export function versionOf(service: ServiceIdentity): ServiceVersion {
  const match = VERSION.exec(service.version);
  if (match === null)
    throw new TypeError(`the version of ${service.name} is '${service.version}': use <major>.<minor>`);
  return { major: Number(match[1]), minor: Number(match[2]) };
}
