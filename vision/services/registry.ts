/** The vision services by name. Adding one is its folder and a line here. */
import { ModelUnavailable } from '../inference/errors.ts';
import type { VisionService } from './service.ts';

// biome-ignore lint/suspicious/noExplicitAny: a MessageType is invariant in its message; the registry holds all of them.
type AnyService = VisionService<any>;

const SERVICES: Readonly<Record<string, () => Promise<AnyService>>> = {
  barcode: async () => (await import('./barcode/service.ts')).barcode,
  ocr: async () => (await import('./ocr/service.ts')).ocr,
  document: async () => (await import('./document/service.ts')).document,
  faceextract: async () => (await import('./faceextract/service.ts')).faceextract,
};

export const SERVICE_NAMES: readonly string[] = Object.keys(SERVICES);

/** @throws ModelUnavailable when there is no service of that name. */
export async function loadService(name: string): Promise<AnyService> {
  const load = SERVICES[name];
  if (load === undefined) throw new ModelUnavailable(`no vision service '${name}', only ${SERVICE_NAMES.join(', ')}`);
  return load();
}
