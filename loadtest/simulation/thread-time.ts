/** Processor time of single threads, from the kernel's own count (Linux): what the model's threads are compared with. */
import { readdirSync, readFileSync } from 'node:fs';

/** Of the kernel's interface, whatever the kernel's own ticks are. */
const TICKS_PER_SECOND = 100;

export function threadsOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).map(Number);
}

/** @returns seconds, user and system, in steps of 10 ms; a process's first thread has the id of the process */
export function threadSeconds(pid: number, thread: number): number {
  // Behind the name, which stands in parentheses and may hold anything: fields 14 and 15 are the 12th and 13th.
  const fields = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
