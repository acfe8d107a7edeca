/** Processor time and memory of this process and of its children, as Linux counts them. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What this process holds once garbage is collected, and its children together (Linux). */
export function residentMebibytes(): { worker: number; inference: number } {
  collectGarbage();
  const inference = childrenOfThis().reduce((sum, pid) => sum + residentOf(pid), 0);
  return { worker: residentOf(process.pid), inference };
}

/** The inference processes, and the raw loop where it runs beside them, idle (Linux). */
export function childrenOfThis(): number[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

/**
 * User and system time of all threads of the processes. Unlike the time on the clock it says little about what else the
 * machine does, so it tells the cost of the way through the log even on a busy one (Linux).
 */
export function cpuSeconds(...pids: readonly number[]): number {
  const ticksPerSecond = 100;
  return pids.reduce((sum, pid) => {
    // Behind the name, which stands in parentheses and may hold anything: fields 14 and 15 are the 12th and 13th.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  }, 0);
}

function residentOf(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib ?? 0) / 1024;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
