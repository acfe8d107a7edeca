/** Starts and ends the operating system's side of an inference child. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));
/**
 * Images are plain bytes outside of V8's heap, so little of what is young there ever grows old: a larger young generation
 * would only hold memory (it grows by 30 MiB within the first thousands of images).
 */
const NODE_FLAGS = ['--max-semi-space-size=8'];
const CLOSE_GRACE_MS = 2_000;

/** @param nodeFlags further flags of Node */
export function forkChild(nodeFlags: readonly string[]): ChildProcess {
  return fork(CHILD, [], {
    serialization: 'advanced',
    // The child's stdout goes to our stderr: what this process prints for programs stays its own.
    stdio: ['ignore', 2, 2, 'ipc'],
    execArgv: [...NODE_FLAGS, ...nodeFlags],
  });
}

/** Lets the child end by itself, and ends it if it does not. Resolves when it is gone. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  if (child.connected) child.disconnect();
  const kill = setTimeout(() => child.kill('SIGKILL'), CLOSE_GRACE_MS);
  await exited;
  clearTimeout(kill);
}
