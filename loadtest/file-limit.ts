/** Lets this process, and the servers that it starts from now on, have as many connections open as the largest case needs. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { VariantUnavailable } from './suite.ts';

const LINE = /^Max open files\s+(\d+)/m;

/** @throws {VariantUnavailable} this process may not raise its limit, and it is too low */
export function needFiles(count: number): void {
  if (limit() >= count) return;
  try {
    execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${count}:${count}`], { stdio: 'ignore' });
  } catch {
    throw new VariantUnavailable(`it takes ${count} open files; this process may have ${limit()} (ulimit -n)`);
  }
}

function limit(): number {
  return Number(LINE.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 0);
}
