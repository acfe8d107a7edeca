/**
 * Compares the .proto files with every released version of them (protocol/released/<version>.binpb), so that what a release has
 * promised on the wire and in JSON is never broken by a later one.
 *
 * `node protocol/tools/breaking.ts` checks; `--release <version>` keeps the files as they are now as a released version.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUF = join(ROOT, 'node_modules/.bin/buf');
const VERSION = /^[0-9]+\.[0-9]+\.[0-9]+$/;

export interface Comparison {
  /** The released version compared with: "0.1.0". */
  readonly version: string;
  /** What would break, a line each, as buf says it. Empty: nothing. */
  readonly broken: readonly string[];
}

/** @param folder holds buf.yaml and, below it, protocol/proto and protocol/released */
export function compareWithReleases(folder: string): Comparison[] {
  const released = join(folder, 'protocol/released');
  if (!existsSync(released)) return [];
  return readdirSync(released)
    .filter((file) => file.endsWith('.binpb'))
    .sort()
    .map((file) => ({
      version: file.replace(/\.binpb$/, ''),
      broken: runBuf(folder, ['breaking', '--against', join(released, file)]),
    }));
}

/** Keeps the .proto files of `folder` as a released version. */
export function release(folder: string, version: string): void {
  if (!VERSION.test(version)) throw new TypeError(`'${version}' is not a version: use <major>.<minor>.<patch>`);
  const file = join(folder, 'protocol/released', `${version}.binpb`);
  if (existsSync(file)) throw new Error(`version ${version} is released already`);
  mkdirSync(join(folder, 'protocol/released'), { recursive: true });
  const problems = runBuf(folder, ['build', '--exclude-source-info', '-o', file]);
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/** @returns what buf has found */
function runBuf(folder: string, args: readonly string[]): string[] {
  const { status, stdout, stderr, error } = spawnSync(BUF, args, { cwd: folder, encoding: 'utf8' });
  if (error !== undefined) throw error;
  const lines = stdout.split('\n').filter((line) => line !== '');
  // buf ends with 100 where it has found something, and otherwise where it could not look.
  if (status !== 0 && status !== 100) throw new Error(`buf ${args[0]} failed: ${stderr}`);
  return lines;
}

function main(args: readonly string[]): number {
  if (args[0] === '--release') {
    release(ROOT, args[1] ?? '');
    return 0;
  }
  const broken = compareWithReleases(ROOT).filter((comparison) => comparison.broken.length > 0);
  for (const { version, broken: lines } of broken)
    process.stderr.write(`released ${version} is broken:\n${lines.join('\n')}\n`);
  return broken.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
