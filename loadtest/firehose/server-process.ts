/** Runs a server of the firehose benchmarks on a core of its own and talks to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FromServer, ToServer } from './messages.ts';

const SERVER_CORE = '0';

export class ServerProcess {
  readonly port: number;
  readonly token: Readonly<Record<string, string>>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number, token: Readonly<Record<string, string>>) {
    this.#child = child;
    this.port = port;
    this.token = token;
  }

  /** @param program beside this file */
  static async start(program: string, args: readonly string[]): Promise<ServerProcess> {
    const file = fileURLToPath(new URL(program, import.meta.url));
    const child = spawn('taskset', ['-c', SERVER_CORE, process.execPath, '--expose-gc', file, ...args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [message] = (await once(child, 'message')) as [Extract<FromServer, { kind: 'listening' }>];
    return new ServerProcess(child, message.port, message.token);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async ask(message: ToServer): Promise<FromServer> {
    this.#child.send(message);
    const [answer] = (await once(this.#child, 'message')) as [FromServer];
    return answer;
  }

  /** @param collect garbage first: before something is measured, or where memory is what is asked for */
  async usage({ collect }: { collect: boolean }): Promise<{ rssBytes: number; cpuSeconds: number }> {
    const answer = await this.ask({ kind: 'usage', collect });
    if (answer.kind !== 'usage') throw new Error(`expected usage, got ${answer.kind}`);
    return answer;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
