/**
 * Fetches the jars of a Java server from Maven Central, once: servers that run beside ours in development and tests.
 *
 * What to fetch is said by a pom beside the code that runs it; the jars are kept in the repository's .cache.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../../.cache/', import.meta.url));

export class MissingToolError extends Error {
  override readonly name = 'MissingToolError';
  constructor(tool: string, needed: string) {
    super(
      `'${tool}' is not installed, which a local server in Java needs ${needed}. Install Java 17 or newer and Maven, ` +
        'on Debian and Ubuntu: apt-get install openjdk-17-jre-headless maven',
    );
  }
}

/**
 * @param name of the folder of the jars; another version has another name
 * @returns that folder
 * @throws {MissingToolError}
 */
export function ensureJars(pom: string, name: string): string {
  const folder = join(CACHE, name);
  requireTool('java', ['-version'], 'to run');
  if (existsSync(folder)) return folder;
  requireTool('mvn', ['--version'], 'to be fetched');
  const partial = join(CACHE, `.${name}-${process.pid}`);
  mkdirSync(dirname(partial), { recursive: true });
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${partial}`, '-DincludeScope=runtime'];
  const { status, stdout } = spawnSync('mvn', ['-B', '-q', '-f', pom, ...goal], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Maven could not fetch ${name}:\n${stdout}`);
  try {
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // another process was first
  }
  return folder;
}

/** The version of an artifact that a pom names. */
export function versionIn(pom: string, artifact: string): string {
  const version = new RegExp(`<artifactId>${artifact}</artifactId>\\s*<version>([^<]+)<`).exec(
    readFileSync(pom, 'utf8'),
  )?.[1];
  if (version === undefined) throw new Error(`${pom} names no version of ${artifact}`);
  return version;
}

function requireTool(tool: string, args: readonly string[], needed: string): void {
  const { error }: SpawnSyncReturns<Buffer> = spawnSync(tool, args);
  if (error !== undefined) throw new MissingToolError(tool, needed);
}
