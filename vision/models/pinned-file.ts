/** Finds a file that a manifest names, in an installed package or beside it, and makes sure that it is the pinned one. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModelUnavailable } from '../inference/errors.ts';
import type { ModelFile } from './manifest.ts';

export interface PinnedFile {
  readonly path: string;
  /** The content that was checked: what is used is what was checked, whatever happens to the file afterwards. */
  readonly content: Uint8Array<ArrayBuffer>;
}

/**
 * @param folder of the manifest, for files that no package holds
 * @throws ModelUnavailable when the package or file is missing or its SHA-256 differs from the manifest's.
 */
export async function readPinnedFile(
  model: Pick<ModelFile, 'package' | 'file' | 'sha256'>,
  folder: URL,
): Promise<PinnedFile> {
  const root = model.package === undefined ? fileURLToPath(folder) : packageFolder(model.package);
  const path = join(root, model.file);
  if (relative(root, path).startsWith('..')) throw new ModelUnavailable(`${model.file} lies outside of ${root}`);
  let content: Uint8Array<ArrayBuffer>;
  try {
    content = await readFile(path);
  } catch (error) {
    throw new ModelUnavailable(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const actual = createHash('sha256').update(content).digest('hex');
  if (actual !== model.sha256) {
    throw new ModelUnavailable(`${path} has SHA-256 ${actual}, but the manifest pins ${model.sha256}`);
  }
  return { path, content };
}

function packageFolder(name: string): string {
  try {
    // Not import.meta.resolve: the model packages have no entry point, and some hide their files behind "exports".
    return dirname(findPackageJSON(name, import.meta.url) ?? '');
  } catch {
    throw new ModelUnavailable(`package ${name} is not installed`);
  }
}
