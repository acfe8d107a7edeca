/** Images a second through the log, and in the raw loop. */
import { childrenOf, cpuSeconds } from '../processor-time.ts';
import type { BenchContext, OpenVariant } from '../suite.ts';
import type { RawRequest } from '../vision-raw.ts';
import { Pipeline } from './pipeline.ts';
import { askRaw, endRaw, forkRaw } from './raw-process.ts';
import { imagesFor, passesOf, samples } from './work.ts';

export async function openThroughput(service: string, { folder, scale }: BenchContext): Promise<OpenVariant> {
  const pipeline = await Pipeline.open(folder, service);
  const images = imagesFor(service, scale);
  return {
    async measure() {
      const started = performance.now();
      const cpuBefore = cpuSeconds(process.pid, ...childrenOf(process.pid));
      // Several transactions, as several clients would have them.
      await Promise.all(images.map((bytes, n) => pipeline.submit(bytes, `t${n % 8}`)));
      const cpu = cpuSeconds(process.pid, ...childrenOf(process.pid)) - cpuBefore;
      const seconds = (performance.now() - started) / 1000;
      return { value: images.length / seconds, also: { cpu_ms_per_image: (cpu * 1000) / images.length } };
    },
    close: pipeline.close,
  };
}

export async function openRaw(service: string, { scale }: BenchContext): Promise<OpenVariant> {
  const child = await forkRaw(service);
  const request: RawRequest = { images: samples(), times: passesOf(service, scale) };
  return {
    async measure() {
      const cpuBefore = cpuSeconds(child.pid!);
      const { seconds } = await askRaw(child, request);
      const images = request.images.length * request.times;
      const cpu = cpuSeconds(child.pid!) - cpuBefore;
      return { value: images / seconds, also: { cpu_ms_per_image: (cpu * 1000) / images } };
    },
    async close() {
      await endRaw(child);
    },
  };
}
