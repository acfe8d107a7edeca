/** Time by the clock, and by the processor: what something costs a node whose cores are busy with other work. */
import type { Measurement } from '../suite.ts';
import { FRAME_BYTES } from './entries.ts';

export interface Start {
  readonly time: number;
  readonly cpu: NodeJS.CpuUsage;
}

export function start(): Start {
  return { time: performance.now(), cpu: process.cpuUsage() };
}

/** By the clock. */
export function perSecond(count: number, { time, cpu }: Start): Measurement {
  const seconds = (performance.now() - time) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { value: count / seconds, also: { mib_per_s: mib(count) / seconds, cpu_us_each: (user + system) / count } };
}

/** By the time that the process had a core, its own and the kernel's. */
export function perCoreSecond(count: number, { time, cpu }: Start): Measurement {
  const seconds = (performance.now() - time) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const busy = (user + system) / 1e6;
  return { value: count / busy, also: { mib_per_s: mib(count) / busy, by_the_clock: count / seconds } };
}

function mib(count: number): number {
  return (count * FRAME_BYTES) / 2 ** 20;
}
