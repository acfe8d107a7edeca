/** How a vision service uses the machine, where the configuration leaves it open. */
import { existsSync } from 'node:fs';
import type { VisionConfig } from './config.ts';
import { CUDA_PROVIDER, type Provider } from './inference/session.ts';

const THREADS_PER_PROCESS = 2;
/** What a process on a GPU analyses side by side, and decodes ahead; see vision/inference/child.ts. */
const IMAGES_PER_GPU_PROCESS = 9;
const IMAGES_PER_CPU_PROCESS = 2;
/** Images that are fetched and checked while every process has its fill. */
const AT_HAND = 2;

/**
 * How a service uses its share of the cores: small models gain little from more than two threads, so more cores than that
 * go to further processes.
 */
export function shareOfMachine(
  config: Pick<VisionConfig, 'services' | 'processes' | 'threads'>,
  cores: number,
): { processes: number; threads: number } {
  const share = Math.max(1, Math.floor(cores / config.services.length));
  const processes = config.processes || Math.max(1, Math.floor(share / (config.threads || THREADS_PER_PROCESS)));
  return { processes, threads: config.threads || Math.max(1, Math.floor(share / processes)) };
}

/** Execution providers in the order to try. */
export function providersOf({ provider }: Pick<VisionConfig, 'provider'>): Provider[] {
  return provider === 'cpu' ? ['cpu'] : ['cuda', 'cpu'];
}

/** Images in work at once: what the processes hold, and a few at hand. */
export function imagesInFlight(
  config: Pick<VisionConfig, 'services' | 'processes' | 'threads' | 'maxImagesInFlight' | 'analyses' | 'provider'>,
  cores: number,
): number {
  if (config.maxImagesInFlight > 0) return config.maxImagesInFlight;
  const mayUseGpu = providersOf(config).includes('cuda') && existsSync(CUDA_PROVIDER);
  const usual = mayUseGpu ? IMAGES_PER_GPU_PROCESS : IMAGES_PER_CPU_PROCESS;
  const perProcess = config.analyses > 0 ? config.analyses + 1 : usual;
  return perProcess * shareOfMachine(config, cores).processes + AT_HAND;
}
