/** The system under chaos: the real command on a disk that can be filled and slowed, behind a proxy that can be cut. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type KafkaCluster, startKafka } from '../../protocol/log/kafka/broker/cluster.ts';
import { runSluice, type SluiceProcess, startSluice } from '../harness/sluice-process.ts';
import { type ChaosDisk, mountDisk } from './disk.ts';
import { TcpProxy } from './tcp-proxy.ts';

export type ChaosLog = 'embedded' | 'kafka';

export class ChaosDeployment {
  readonly proxy: TcpProxy;
  /** The data folder, on the disk. */
  readonly data: string;
  readonly disk: ChaosDisk;
  /** The broker, where the log is Kafka's; its data are on another disk. */
  readonly kafka: KafkaCluster | undefined;
  #process: SluiceProcess | undefined;
  #environment: Record<string, string> = {};

  private constructor(proxy: TcpProxy, data: string, disk: ChaosDisk, kafka: KafkaCluster | undefined) {
    this.proxy = proxy;
    this.data = data;
    this.disk = disk;
    this.kafka = kafka;
  }

  /** @param seconds how long the run is to be */
  static async open(folder: string, log: ChaosLog, seconds: number): Promise<ChaosDeployment> {
    const data = join(folder, 'data');
    mkdirSync(data);
    const kafka = log === 'kafka' ? await startKafka({ folder: join(folder, 'kafka') }) : undefined;
    const disk = mountDisk(data, join(folder, 'disk'), seconds);
    const deployment = new ChaosDeployment(await TcpProxy.listen(), data, disk, kafka);
    await deployment.start();
    return deployment;
  }

  get pid(): number {
    return this.#process!.pid;
  }

  /** @param environment of this and all later starts */
  async start(environment: Record<string, string> = this.#environment): Promise<void> {
    this.#environment = environment;
    const settings = [
      ['--port', '0'],
      ['--data', this.data],
      ['--log-level', 'warn'],
      // Faults strike the way of the messages, not the models; and damage is to be found when a journal is opened.
      ['--vision-synthetic-enabled', 'true'],
      ['--firehose-journal-check', 'true'],
      ['--topics-partitions', '4'],
      ...(this.kafka === undefined
        ? []
        : [
            ['--log', 'kafka'],
            ['--kafka-brokers', this.kafka.bootstrap.join()],
          ]),
    ];
    this.#process = await startSluice(['up', ...settings.flat()], environment);
    this.proxy.lead(this.#process.url);
  }

  token(client: string): string {
    return runSluice(['token', '--client', client, '--data', this.data]).trim();
  }

  kill(): Promise<void> {
    return this.#process!.kill();
  }

  /** @returns the exit code */
  terminate(): Promise<number | null> {
    return this.#process!.stop();
  }

  /** Whether the process is there: it may have died of a fault. */
  isAlive(): boolean {
    try {
      process.kill(this.pid, 0);
      return true;
    } catch {
      return false;
    }
  }

  /** What there is to go by when it does not recover: who is not ready, who lags, what fills the disk, the last log lines. */
  async diagnosis(): Promise<string> {
    const get = (path: string) => fetch(this.proxy.url + path).then((response) => response.text(), String);
    const lag = (await get('/metrics')).split('\n').filter((line) => /lag_records.*} [^0]/.test(line));
    const usage = execFileSync('du', ['-k', '--max-depth=2', this.data], { encoding: 'utf8' });
    return [await get('/readyz'), ...lag, usage, this.stderr().slice(-4000)].join('\n');
  }

  stderr(): string {
    return this.#process!.stderr();
  }

  async close(): Promise<void> {
    if (this.isAlive()) await this.kill();
    await this.proxy.close();
    await this.kafka?.stop();
    this.disk.unmount();
    rmSync(this.data, { recursive: true, force: true });
  }
}
