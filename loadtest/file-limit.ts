/** Lets this process, and the servers that it starts from now on, have as many connections open as the largest case needs. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { VariantUnavailable } from './suite.ts';

const LINE = /^Max open files\s+(\d+)\s+(\d+)/m;

/** @throws {VariantUnavailable} this process may not raise its limit, and it is too low */
export function needFiles(count: number): void {
  const { soft, hard } = limits();
  if (soft >= count) return;
  // The hard limit stays where it is high enough: whoever lowers it may not raise it again.
  const wanted = `--nofile=${count}:${Math.max(count, hard)}`;
  try {
    execFileSync('prlimit', ['--pid', String(process.pid), wanted], { stdio: 'ignore' });
  } catch {
    throw new VariantUnavailable(`it takes ${count} open files; this process may have ${hard} (ulimit -Hn)`);
  }
}

function limits(): { soft: number; hard: number } {
  const [, soft, hard] = LINE.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return { soft: Number(soft ?? 0), hard: Number(hard ?? 0) };
}
