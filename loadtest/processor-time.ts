/**
 * Processor time of other processes and of single threads, from the kernel's own count (Linux). Unlike the time on the clock it
 * says little about what else the machine does, so it tells what work costs even on a busy one.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Of the kernel's interface, whatever the kernel's own ticks are. */
const TICKS_PER_SECOND = 100;

/** @returns seconds of all threads of the processes, user and system, in steps of 10 ms */
export function cpuSeconds(...pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + secondsIn(`/proc/${pid}/stat`), 0);
}

/** @returns seconds, as above; a process's first thread has the id of the process */
export function threadSeconds(pid: number, thread: number): number {
  return secondsIn(`/proc/${pid}/task/${thread}/stat`);
}

export function threadsOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).map(Number);
}

/** The processes that a process's first thread has started. */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

function secondsIn(file: string): number {
  // Behind the name, which stands in parentheses and may hold anything: fields 14 and 15 are the 12th and 13th.
  const fields = readFileSync(file, 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
