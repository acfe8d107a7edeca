/**
 * A whole deployment for the system suite: the real `sluice` command, all roles in one process on the embedded log, or a
 * process for each role on a real Kafka; and the processor time that each of them has used.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startBroker } from '../broker.ts';
import { childrenOf, cpuSeconds } from '../processor-time.ts';

const SLUICE = fileURLToPath(new URL('../../sluice.ts', import.meta.url));
/** All but identity: the suite mints its own tokens. */
const ROLES = ['gateway', 'firehose', 'vision', 'summary', 'push'] as const;
const CLIENT = 'bench';

export interface Deployment {
  /** Where images go. */
  readonly url: string;
  readonly firehoseUrl: string;
  readonly token: string;
  /** Seconds of processor time since the start, by role, inference processes apart. */
  cpu(): Record<string, number>;
  stop(): Promise<void>;
}

export async function startEmbedded(folder: string): Promise<Deployment> {
  const data = join(folder, 'data');
  const all = await SluiceProcess.start(['up', '--data', data, '--port', '0', '--log-level', 'warn']);
  return {
    url: all.url,
    firehoseUrl: all.url,
    token: mint(data),
    cpu: () => all.cpu('all roles'),
    stop: () => all.stop(),
  };
}

/** @throws {VariantUnavailable} no broker can be run here */
export async function startOnKafka(folder: string): Promise<Deployment> {
  const kafka = await startBroker(join(folder, 'kafka'));
  const processes = new Map<string, SluiceProcess>();
  const stop = async () => {
    for (const process of processes.values()) await process.stop();
    await kafka.stop();
  };
  try {
    const shared = join(folder, 'shared');
    mkdirSync(join(shared, 'keys'), { recursive: true });
    for (const role of ROLES) {
      const data = join(folder, role);
      mkdirSync(data);
      symlinkSync(join(shared, 'keys'), join(data, 'keys'));
      const log = [
        '--log',
        'kafka',
        '--kafka-brokers',
        kafka.bootstrap.join(),
        '--blobs-folder',
        join(shared, 'blobs'),
      ];
      const args = [role, '--data', data, '--port', '0', '--log-level', 'warn', ...log];
      processes.set(role, await SluiceProcess.start(args));
    }
    return {
      url: processes.get('gateway')!.url,
      firehoseUrl: processes.get('firehose')!.url,
      token: mint(join(folder, 'gateway')),
      cpu: () =>
        Object.assign({ broker: kafka.cpuSeconds() }, ...[...processes].map(([role, process]) => process.cpu(role))),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

class SluiceProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(args: readonly string[]): Promise<SluiceProcess> {
    const child = spawn(process.execPath, [SLUICE, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout! });
    const [line] = (await Promise.race([once(lines, 'line'), once(child, 'exit')])) as [unknown];
    if (typeof line !== 'string') throw new Error(`sluice ${args[0]} ended before it was ready`);
    return new SluiceProcess(child, line.replace('ready ', ''));
  }

  /** @param name under which the process's own time is told */
  cpu(name: string): Record<string, number> {
    const inference = childrenOf(this.#child.pid!);
    return {
      [name]: cpuSeconds(this.#child.pid!),
      ...(inference.length > 0 && { inference: cpuSeconds(...inference) }),
    };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}

function mint(data: string): string {
  const args = [SLUICE, 'token', '--client', CLIENT, '--data', data];
  return execFileSync(process.execPath, args, { encoding: 'utf8' }).trim();
}
