/** Facts of the machine that a number was measured on; without them it means little. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

export interface MachineFacts {
  readonly cpu: string;
  /** Those this process may use, which in a container is less than the machine has. */
  readonly cores: number;
  readonly memory_gib: number;
  readonly system: string;
  readonly node: string;
  /** The busy processes of the last minute before the run: a number well above 0 says that others worked too. */
  readonly load_before: number;
  /** Short commit id, with `+` behind it where tracked files differ from it; `unknown` outside a checkout. */
  readonly commit: string;
}

export function machineFacts(): MachineFacts {
  return {
    cpu: cpuName(),
    cores: availableParallelism(),
    memory_gib: Math.round(memoryBytes() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    load_before: Number(loadavg()[0]!.toFixed(2)),
    commit: commit(),
  };
}

function cpuName(): string {
  return cpus()[0]?.model.trim() || process.arch;
}

/** The limit of the control group where there is one: what a container has, not what its host has. */
function memoryBytes(): number {
  try {
    const limit = Number(readFileSync('/sys/fs/cgroup/memory.max', 'utf8'));
    return Number.isNaN(limit) ? totalmem() : Math.min(limit, totalmem());
  } catch {
    return totalmem();
  }
}

function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }).trim();
    const dirty = git('status', '--porcelain', '--untracked-files=no') !== '';
    return git('rev-parse', '--short', 'HEAD') + (dirty ? '+' : '');
  } catch {
    return 'unknown';
  }
}
