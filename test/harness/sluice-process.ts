/** Runs the real `sluice` command as a child process, as an operator would, and kills it as a power cut would. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../sluice.ts', import.meta.url));
const READY_LINE = /^ready (http\S+)$/m;
/** Model loading on a busy two-core machine takes its time. */
const READY_TIMEOUT_MS = 150_000;

export interface SluiceProcess {
  readonly url: string;
  readonly pid: number;
  /** SIGKILL to it and to its children, and wait until it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and wait. @returns the exit code */
  stop(): Promise<number | null>;
  /** What it has written to stderr so far. */
  stderr(): string;
}

/** @param args the command line after `sluice`, such as ['up', '--data', folder] */
export async function startSluice(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<SluiceProcess> {
  // A process group of its own, so that a kill reaches inference processes at the same instant.
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...environment },
  });
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exited = once(child, 'exit');
  const url = await readyUrl(child, () => stderr);
  return {
    url,
    pid: child.pid!,
    stderr: () => stderr,
    kill: async () => {
      process.kill(-child.pid!, 'SIGKILL');
      await exited;
    },
    stop: async () => {
      child.kill('SIGTERM');
      const [code] = (await exited) as [number | null];
      return code;
    },
  };
}

/** Runs a command to its end. @returns what it wrote to stdout */
export function runSluice(args: readonly string[]): string {
  return execFileSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
}

function readyUrl(child: ChildProcess, stderr: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    const timer = setTimeout(() => {
      process.kill(-child.pid!, 'SIGKILL');
      reject(new Error(`not ready after ${READY_TIMEOUT_MS} ms:\n${stderr()}`));
    }, READY_TIMEOUT_MS);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`sluice ended with ${code} before it was ready:\n${stderr()}`));
    });
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      const match = READY_LINE.exec(stdout);
      if (match === null) return;
      clearTimeout(timer);
      resolve(match[1]!);
    });
  });
}
