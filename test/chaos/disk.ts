/**
 * The disk under the deployment's data: small, so that it can be filled, and slow when told to. A real ext4 in a file, whose
 * syncs cost what syncs cost; where the machine has no loop devices a tmpfs, which cannot be slow; else the disk that is there.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, rmdirSync, writeFileSync } from 'node:fs';

/** Room for what a run leaves behind: results are kept to its end, and damaged journals are put aside. */
const LEAST_BYTES = 256 << 20;
const BYTES_PER_SECOND = 1 << 20;
/** Control groups (version 1) that bound what a process does to a block device. */
const GROUPS = '/sys/fs/cgroup/blkio';

export interface ChaosDisk {
  /** It is a disk of its own that can be filled. */
  readonly isLimited: boolean;
  /** Lets a process write so often a second, every thread of it; undefined where the machine cannot. */
  readonly slow: ((pid: number, writesPerSecond: number) => void) | undefined;
  mend(): void;
  unmount(): void;
}

/**
 * Mounts it at the folder.
 * @param image where the disk's content may be kept @param seconds of the run that it is to be large enough for
 */
export function mountDisk(folder: string, image: string, seconds: number): ChaosDisk {
  const bytes = LEAST_BYTES + seconds * BYTES_PER_SECOND;
  if (mountedExt4(folder, image, bytes)) {
    const group = throttleGroup(folder);
    return {
      isLimited: true,
      slow: group?.slow,
      mend: () => group?.mend(),
      unmount() {
        group?.remove();
        execFileSync('umount', ['--lazy', folder]);
      },
    };
  }
  const isLimited = succeeds('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]);
  return {
    isLimited,
    slow: undefined,
    mend() {},
    unmount() {
      if (isLimited) execFileSync('umount', ['--lazy', folder]);
    },
  };
}

function mountedExt4(folder: string, image: string, bytes: number): boolean {
  const file = openSync(image, 'w');
  ftruncateSync(file, bytes);
  closeSync(file);
  // Nothing is kept back for the superuser, who may be running this.
  return succeeds('mkfs.ext4', ['-q', '-m', '0', image]) && succeeds('mount', ['-o', 'loop', image, folder]);
}

function throttleGroup(folder: string) {
  const group = `${GROUPS}/sluice-chaos-${process.pid}`;
  const limit = `${group}/blkio.throttle.write_iops_device`;
  try {
    const device = execFileSync('findmnt', ['-no', 'MAJ:MIN', folder], { encoding: 'utf8' }).trim();
    mkdirSync(group);
    writeFileSync(limit, `${device} 0`);
    return {
      slow(pid: number, writesPerSecond: number) {
        writeFileSync(`${group}/cgroup.procs`, String(pid));
        writeFileSync(limit, `${device} ${writesPerSecond}`);
      },
      mend: () => writeFileSync(limit, `${device} 0`),
      remove: () => rmdirSync(group),
    };
  } catch {
    return undefined;
  }
}

function succeeds(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
