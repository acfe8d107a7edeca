/** Runs log-program.ts and collects what it says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LogSettings } from '../../protocol/log/settings.ts';

export interface ProgramLine {
  readonly ready?: true;
  readonly partition?: number;
  readonly offset?: number;
  readonly value?: string;
  readonly acknowledged?: number;
  readonly aborted?: number;
  readonly error?: string;
}

export class LogProcess implements AsyncDisposable {
  readonly lines: ProgramLine[] = [];
  readonly #child: ChildProcess;

  constructor(settings: LogSettings, ...command: string[]) {
    const program = fileURLToPath(new URL('./log-program.ts', import.meta.url));
    this.#child = spawn(process.execPath, [program, JSON.stringify(settings), ...command], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.lines.push(JSON.parse(line)));
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(name);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'close');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
