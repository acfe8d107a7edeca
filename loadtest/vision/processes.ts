/** Memory of this process and of its children, the inference processes, as Linux counts it. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { childrenOf } from '../processor-time.ts';

/** What this process holds once garbage is collected, and its children together (Linux). */
export function residentMebibytes(): { worker: number; inference: number } {
  collectGarbage();
  const inference = childrenOf(process.pid).reduce((sum, pid) => sum + residentOf(pid), 0);
  return { worker: residentOf(process.pid), inference };
}

function residentOf(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib ?? 0) / 1024;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
