/** Finds a file that a manifest names in an installed package and makes sure that it is the pinned one. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { ModelUnavailable } from '../inference/errors.ts';
import type { ModelFile } from './manifest.ts';

export interface PinnedFile {
  readonly path: string;
  /** The content that was checked: what is used is what was checked, whatever happens to the file afterwards. */
  readonly content: Uint8Array<ArrayBuffer>;
}

/** @throws ModelUnavailable when the package or file is missing or its SHA-256 differs from the manifest's. */
export async function readPinnedFile(model: Pick<ModelFile, 'package' | 'file' | 'sha256'>): Promise<PinnedFile> {
  const path = join(packageFolder(model.package), model.file);
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
