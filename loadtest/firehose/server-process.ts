/** Runs a server of the firehose benchmarks on a core of its own and talks to it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { FromServer, ToServer } from './messages.ts';

const SERVER_CORE = 0;

export class ServerProcess {
  readonly port: number;
  readonly token: Readonly<Record<string, string>>;
  readonly #child: ChildProcess;
  /** Who waits for an answer: they come in the order of the questions. */
  readonly #asked: ((answer: FromServer) => void)[] = [];

  private constructor(child: ChildProcess, port: number, token: Readonly<Record<string, string>>) {
    this.#child = child;
    this.port = port;
    this.token = token;
    child.on('message', (answer: FromServer) => this.#asked.shift()!(answer));
  }

  /** @param program beside this file */
  static async start(program: string, args: readonly string[]): Promise<ServerProcess> {
    const file = fileURLToPath(new URL(program, import.meta.url));
    const child = spawn('taskset', ['-c', String(SERVER_CORE), process.execPath, '--expose-gc', file, ...args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [message] = (await once(child, 'message')) as [Extract<FromServer, { kind: 'listening' }>];
    return new ServerProcess(child, message.port, message.token);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Questions of one kind are answered in order; do not ask one of another kind before they are. */
  ask(message: ToServer): Promise<FromServer> {
    return new Promise((resolve) => {
      this.#asked.push(resolve);
      this.#child.send(message);
    });
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

/** The load has the other cores, if there are any: a reader must not take from the server what it measures. */
export function keepOffServerCore(): void {
  const last = availableParallelism() - 1;
  if (last > 0) execFileSync('taskset', ['-a', '-c', '-p', `${SERVER_CORE + 1}-${last}`, String(process.pid)]);
}
