/**
 * The jars of a Kafka broker, fetched once by the pom beside this file.
 *
 * With them lies an archive of the classes that a broker loads, which makes each start a second or two shorter.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureJars } from '../../../tools/maven-jars.ts';

const POM = fileURLToPath(new URL('./pom.xml', import.meta.url));

export interface KafkaJars {
  /** For java's -cp. */
  readonly classpath: string;
  /** Class-data archive; may not be there, then Java goes without. */
  readonly archive: string;
}

/** @throws {MissingToolError} */
export function ensureKafkaJars(): KafkaJars {
  const folder = ensureJars(POM, `kafka-${kafkaVersion()}`);
  return { classpath: join(folder, '*'), archive: join(folder, 'classes.jsa') };
}

export function kafkaVersion(): string {
  const version = /<artifactId>kafka_[\d.]+<\/artifactId>\s*<version>([^<]+)</.exec(readFileSync(POM, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${POM} names no version of Kafka`);
  return version;
}
