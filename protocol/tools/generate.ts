/**
 * Generates protocol/generated from protocol/proto with buf and protobuf-ts.
 *
 * `node protocol/tools/generate.ts` writes; `--check` compares with what is committed and fails on a difference.
 *
 * protobuf-ts writes relative imports without a file extension, which Node's ES modules refuse, so the
 * extension is added here. JavaScript with declarations is generated rather than TypeScript because
 * TypeScript enums are not erasable, and Node runs our sources unbuilt.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const COMMITTED = 'protocol/generated';

function generateInto(folder: string): void {
  const template = readFileSync('buf.gen.yaml', 'utf8').replace(`out: ${COMMITTED}`, `out: ${folder}`);
  const templateFile = join(mkdtempSync(join(tmpdir(), 'sluice-buf-')), 'buf.gen.yaml');
  writeFileSync(templateFile, template);
  execFileSync('node_modules/.bin/buf', ['generate', '--template', templateFile], { stdio: 'inherit' });
  for (const file of filesBelow(folder)) {
    const path = join(folder, file);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/(from "\.[^"]*_pb)"/g, '$1.js"'));
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

function differences(expected: string, actual: string): string[] {
  const files = new Set([...filesBelow(expected), ...filesBelow(actual)]);
  const content = (folder: string, file: string) => {
    try {
      return readFileSync(join(folder, file), 'utf8');
    } catch {
      return undefined;
    }
  };
  return [...files].filter((file) => content(expected, file) !== content(actual, file));
}

if (process.argv.includes('--check')) {
  const fresh = mkdtempSync(join(tmpdir(), 'sluice-generated-'));
  generateInto(fresh);
  const stale = differences(fresh, COMMITTED);
  rmSync(fresh, { recursive: true });
  if (stale.length > 0) {
    console.error(`generated code is stale, run 'npm run generate': ${stale.join(', ')}`);
    process.exit(1);
  }
} else {
  generateInto(COMMITTED);
}
