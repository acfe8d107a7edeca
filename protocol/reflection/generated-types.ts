/** The code that is generated for every message, discovered in protocol/generated rather than listed. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageType } from '@protobuf-ts/runtime';
import type { AnyMessageType } from '../registry.ts';

const GENERATED_FOLDER = fileURLToPath(new URL('../generated', import.meta.url));

/** By full name. */
export async function generatedTypes(): Promise<ReadonlyMap<string, AnyMessageType>> {
  const types = new Map<string, AnyMessageType>();
  const files = readdirSync(GENERATED_FOLDER, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.name.endsWith('_pb.js'),
  );
  for (const file of files) {
    const module = await import(pathToFileURL(join(file.parentPath, file.name)).href);
    for (const exported of Object.values(module))
      if (exported instanceof MessageType) types.set(exported.typeName, exported);
  }
  return types;
}
