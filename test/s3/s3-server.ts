/** A real S3-compatible server on this machine (S3Proxy over a folder), which lets nobody in without a right signature. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../firehose/testing/free-port.ts';
import { ensureJars, versionIn } from '../../protocol/tools/maven-jars.ts';

const POM = fileURLToPath(new URL('./pom.xml', import.meta.url));
const START_TIMEOUT_MS = 60_000;

export const ACCESS_KEY = { accessKeyId: 'sluice', secretAccessKey: 'a secret' };

export interface S3Server {
  readonly endpoint: string;
  /** The objects of a bucket as files, by their names. */
  readonly bucketFolder: (bucket: string) => string;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  stop(): Promise<void>;
}

/** @param folder of the configuration and the objects @param buckets to be there from the start */
export async function startS3Server(folder: string, buckets: readonly string[]): Promise<S3Server> {
  const jars = ensureJars(POM, `s3proxy-${versionIn(POM, 's3proxy')}`);
  const objects = join(folder, 'objects');
  const bucketFolder = (bucket: string) => join(objects, bucket);
  for (const bucket of buckets) mkdirSync(bucketFolder(bucket), { recursive: true });
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const configuration = join(folder, 's3proxy.properties');
  const settings = {
    's3proxy.endpoint': endpoint,
    's3proxy.authorization': 'aws-v2-or-v4',
    's3proxy.identity': ACCESS_KEY.accessKeyId,
    's3proxy.credential': ACCESS_KEY.secretAccessKey,
    'jclouds.provider': 'filesystem-nio2',
    'jclouds.filesystem.basedir': objects,
  };
  writeFileSync(
    configuration,
    Object.entries(settings)
      .flatMap(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const flags = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', join(jars, '*')];
  const child = spawn('java', [...flags, 'org.gaul.s3proxy.Main', '--properties', configuration], { stdio: 'ignore' });
  const killWithParent = () => child.kill('SIGKILL');
  process.once('exit', killWithParent);
  const exited = once(child, 'exit');
  await untilItAnswers(endpoint);
  return {
    endpoint,
    bucketFolder,
    signal: (name) => void child.kill(name),
    stop: async () => {
      process.off('exit', killWithParent);
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function untilItAnswers(endpoint: string): Promise<void> {
  const until = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await fetch(endpoint);
      return;
    } catch (cause) {
      if (performance.now() > until) throw new Error('the S3 server did not start', { cause });
      await sleep(100);
    }
  }
}
