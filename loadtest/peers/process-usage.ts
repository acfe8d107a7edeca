/** What a process has used, as Linux counts it: of servers that are not ours. */
import { readFileSync } from 'node:fs';

/** Of a clock tick, which is a hundredth of a second on every Linux that we know. */
const TICKS_PER_SECOND = 100;

/** User and system, all threads. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // Behind the name, which may hold anything, the 12th and 13th fields.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
