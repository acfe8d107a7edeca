/** One Kafka broker as a process: formatted once, started, stopped cleanly or killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { KafkaJars } from './jars.ts';

const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;

export interface KafkaBrokerOptions {
  /** An archive named `new:PATH` is written there when the broker stops. */
  readonly jars: KafkaJars;
  readonly configuration: string;
  readonly data: string;
  readonly clusterId: string;
  readonly scramUsers: readonly string[];
  readonly port: number;
}

export class KafkaBroker {
  readonly port: number;
  readonly #options: KafkaBrokerOptions;
  #child: ChildProcess | undefined;

  constructor(options: KafkaBrokerOptions) {
    this.#options = options;
    this.port = options.port;
  }

  /** Resolves when the broker serves. Does nothing where it already does. */
  async start(): Promise<void> {
    if (this.#child !== undefined) return;
    if (!existsSync(join(this.#options.data, 'meta.properties'))) await this.#format();
    const log = `${this.#options.configuration}.log`;
    const child = this.#java(['kafka.Kafka', this.#options.configuration], log);
    this.#child = child;
    const killWithParent = () => child.kill('SIGKILL');
    process.once('exit', killWithParent);
    child.once('exit', () => {
      process.off('exit', killWithParent);
      if (this.#child === child) this.#child = undefined;
    });
    await new Promise<void>((resolve, reject) => {
      const fail = () => reject(new Error(`the Kafka broker did not start; its last words:\n${lastLines(log)}`));
      const timer = setTimeout(fail, START_TIMEOUT_MS);
      child.once('exit', () => {
        clearTimeout(timer);
        fail();
      });
      createInterface({ input: child.stdout! }).on('line', (line) => {
        if (!line.includes('Kafka Server started')) return;
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Hands leadership over and flushes. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    // Two of three brokers that stop leave the last one without a quorum to say goodbye to.
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
    const written = this.#options.jars.archive;
    if (written.startsWith('new:') && existsSync(`${written.slice(4)}.part`))
      renameSync(`${written.slice(4)}.part`, written.slice(4));
  }

  /** As a power cut would end the process. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Freezes the broker, or lets it go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(name);
  }

  async #format(): Promise<void> {
    const { clusterId, configuration, scramUsers } = this.#options;
    const tool = ['kafka.tools.StorageTool', 'format', '--cluster-id', clusterId, '--config', configuration];
    for (const user of scramUsers) tool.push('--add-scram', user);
    const log = `${configuration}.format.log`;
    const [code] = await once(this.#java(tool, log), 'exit');
    if (code !== 0) throw new Error(`Kafka's storage could not be formatted:\n${lastLines(log)}`);
  }

  #java(args: readonly string[], log: string): ChildProcess {
    const { classpath, archive } = this.#options.jars;
    const classes = archive.startsWith('new:')
      ? [`-XX:ArchiveClassesAtExit=${archive.slice(4)}.part`]
      : existsSync(archive)
        ? [`-XX:SharedArchiveFile=${archive}`]
        : [];
    const logging = {
      defaultLogLevel: 'warn',
      'log.kafka.server.KafkaRaftServer': 'info', // says when the broker serves
      logFile: 'System.out',
    };
    const flags = [
      ...['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Xlog:disable', ...classes],
      ...Object.entries(logging).map(([key, value]) => `-Dorg.slf4j.simpleLogger.${key}=${value}`),
    ];
    const child = spawn('java', [...flags, '-cp', classpath, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout!.pipe(createWriteStream(log, { flags: 'a' }));
    return child;
  }
}

function lastLines(log: string): string {
  return readFileSync(log, 'utf8').split('\n').slice(-20).join('\n');
}
