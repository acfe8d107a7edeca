/** The vision services by name and version. Adding one is its folder and a line here. */
import { ModelUnavailable } from '../inference/errors.ts';
import type { VisionService } from './service.ts';

// biome-ignore lint/suspicious/noExplicitAny: a MessageType is invariant in its message; the registry holds all of them.
type AnyService = VisionService<any>;

/** The first version of a service is its standard one: what its bare name means. */
const SERVICES: Readonly<Record<string, Readonly<Record<string, () => Promise<AnyService>>>>> = {
  barcode: { '1.0': async () => (await import('./barcode/service.ts')).barcode },
  ocr: { '1.0': async () => (await import('./ocr/service.ts')).ocr },
  document: {
    '1.0': async () => (await import('./document/service.ts')).document,
    '1.1': async () => (await import('./document/v1m1/service.ts')).document1m1,
  },
  faceextract: { '1.0': async () => (await import('./faceextract/service.ts')).faceextract },
};

/** Every version of every service, as the configuration names it: `ocr`, `document-1.1`. */
export const SERVICE_NAMES: readonly string[] = Object.entries(SERVICES).flatMap(([name, versions]) =>
  Object.keys(versions).map((version) => (isStandardVersion(name, version) ? name : `${name}-${version}`)),
);

/**
 * @param name `<name>` for the standard version or `<name>-<version>`
 * @throws ModelUnavailable when there is no such service.
 */
export async function loadService(name: string): Promise<AnyService> {
  const [service, version] = name.split('-', 2) as [string, string?];
  const versions = SERVICES[service];
  const load = version === undefined ? Object.values(versions ?? {})[0] : versions?.[version];
  if (load === undefined) throw new ModelUnavailable(`no vision service '${name}', only ${SERVICE_NAMES.join(', ')}`);
  return load();
}

/** Whether a bare name means this version. Services that stand elsewhere have one version. */
export function isStandardVersion(service: string, version: string): boolean {
  const versions = SERVICES[service];
  return versions === undefined || Object.keys(versions)[0] === version;
}
