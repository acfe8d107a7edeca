/**
 * The jars of a Kafka broker, fetched once from Maven Central by the pom beside this file.
 *
 * With them lies an archive of the classes that a broker loads, which makes each start a second or two shorter.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const POM = fileURLToPath(new URL('./pom.xml', import.meta.url));
const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url));

export class MissingToolError extends Error {
  override readonly name = 'MissingToolError';
  constructor(tool: string, needed: string) {
    super(
      `'${tool}' is not installed, which a local Kafka broker needs ${needed}. Install Java 17 or newer and Maven, ` +
        'on Debian and Ubuntu: apt-get install openjdk-17-jre-headless maven',
    );
  }
}

export interface KafkaJars {
  /** For java's -cp. */
  readonly classpath: string;
  /** Class-data archive; may not be there, then Java goes without. */
  readonly archive: string;
}

/**
 * @param cache folder that keeps downloads, default the repository's .cache
 * @throws {MissingToolError}
 */
export function ensureKafkaJars(cache = join(REPOSITORY, '.cache')): KafkaJars {
  const folder = join(cache, `kafka-${kafkaVersion()}`);
  const jars = { classpath: join(folder, '*'), archive: join(folder, 'classes.jsa') };
  requireTool('java', ['-version'], 'to run');
  if (existsSync(folder)) return jars;
  requireTool('mvn', ['--version'], 'to be fetched');
  const partial = join(cache, `.kafka-${process.pid}`);
  mkdirSync(dirname(partial), { recursive: true });
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${partial}`, '-DincludeScope=runtime'];
  const { status, stdout } = spawnSync('mvn', ['-B', '-q', '-f', POM, ...goal], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Maven could not fetch Kafka:\n${stdout}`);
  try {
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // another process was first
  }
  return jars;
}

export function kafkaVersion(): string {
  const version = /<artifactId>kafka_[\d.]+<\/artifactId>\s*<version>([^<]+)</.exec(readFileSync(POM, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${POM} names no version of Kafka`);
  return version;
}

function requireTool(tool: string, args: readonly string[], needed: string): void {
  const { error }: SpawnSyncReturns<Buffer> = spawnSync(tool, args);
  if (error !== undefined) throw new MissingToolError(tool, needed);
}
