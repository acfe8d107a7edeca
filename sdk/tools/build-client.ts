/**
 * Builds the client library as it is published: JavaScript and declarations, since Node does not strip types from packages
 * that are installed. With them go the declarations of the messages, which are generated and so not the compiler's to emit.
 *
 * Usage: node sdk/tools/build-client.ts [FOLDER], by default sdk/client/dist
 */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DECLARED = /from ['"](\.[^'"]+)\.js['"]/g;

const out = resolve(process.argv[2] ?? join(ROOT, 'sdk/client/dist'));
rmSync(out, { recursive: true, force: true });
execFileSync('tsc', ['-p', join(ROOT, 'sdk/client/tsconfig.json'), '--outDir', out], { stdio: 'inherit' });

const seen = new Set<string>();
for (const declaration of globSync('sdk/client/*.d.ts', { cwd: out })) copyImportsOf(declaration, out);

/** Of a declaration file within `folder`, those that it imports from the generated code, and what these import. */
function copyImportsOf(file: string, folder: string): void {
  for (const [, target] of readFileSync(join(folder, file), 'utf8').matchAll(DECLARED)) {
    const imported = `${join(dirname(file), target!)}.d.ts`;
    if (!imported.startsWith('protocol/generated/') || seen.has(imported)) continue;
    seen.add(imported);
    cpSync(join(ROOT, imported), join(out, imported));
    copyImportsOf(imported, ROOT);
  }
}
