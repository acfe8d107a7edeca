/**
 * Where an operator puts models of his own: `<folder>/<service>-<version>/manifest.json`, with the files that it names beside it.
 *
 * A manifest there takes the place of the one that comes with the service. To go over to another model, put its file under
 * a new name and then replace the manifest in one step (`mv`): files that are in use stay as they are until they are not.
 */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Type } from 'typebox';
import { ModelUnavailable } from '../inference/errors.ts';
import { type ManifestSource, parseManifest, readManifestSource } from './manifest.ts';

export interface ServiceFolder {
  readonly name: string;
  readonly version: string;
  /** Of the manifest that comes with the service. */
  readonly folder: URL;
}

/**
 * The manifest to use now.
 * @param modelFolder '' for none
 * @throws ModelUnavailable when the operator's manifest is there and is none, or is one of another service or version.
 */
export async function findManifest(modelFolder: string, service: ServiceFolder): Promise<ManifestSource> {
  const own = join(resolve(modelFolder), `${service.name}-${service.version}`);
  if (modelFolder === '' || !(await exists(join(own, 'manifest.json')))) return readManifestSource(service.folder);
  const source = await readManifestSource(pathToFileURL(`${own}/`));
  // Its models and numbers are checked by the service; that it is the right one's is checked before anything is started.
  const { name, version } = parseManifest(source, [], Type.Unknown());
  if (name !== service.name || version !== service.version)
    throw new ModelUnavailable(
      `${own}/manifest.json is of ${name} ${version}, not of ${service.name} ${service.version}`,
    );
  return source;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
