/**
 * The jars of a Kafka broker, fetched once by the pom beside this file.
 *
 * With them lies an archive of the classes that a broker loads, which makes each start a second or two shorter.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureJars, versionIn } from '../../../tools/maven-jars.ts';

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
  return versionIn(POM, 'kafka_2.13');
}
