/** How long an image takes at half of what the service can do, and where nothing else is going on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../statistics.ts';
import type { BenchContext, OpenVariant } from '../suite.ts';
import { Pipeline } from './pipeline.ts';
import { askRaw, endRaw, forkRaw } from './raw-process.ts';
import { imagesFor } from './work.ts';

export async function openLatency(service: string, { folder, scale }: BenchContext): Promise<OpenVariant> {
  const pipeline = await Pipeline.open(folder, service);
  const images = imagesFor(service, scale);
  const started = performance.now();
  await Promise.all(images.map((bytes, n) => pipeline.submit(bytes, `t${n % 8}`)));
  /** Half of what it can do. */
  const intervalMs = ((performance.now() - started) / images.length) * 2;
  return {
    async measure() {
      const latencies: Promise<number>[] = [];
      const begun = performance.now();
      for (const [n, bytes] of images.entries()) {
        await sleep(Math.max(0, begun + n * intervalMs - performance.now()));
        const submitted = performance.now();
        latencies.push(pipeline.submit(bytes, `t${n % 8}`).then((answered) => answered - submitted));
      }
      const all = await Promise.all(latencies);
      return { value: quantile(all, 0.5), also: { p99_ms: quantile(all, 0.99), images_per_s: 1000 / intervalMs } };
    },
    close: pipeline.close,
  };
}

/** The time that an image takes where nothing else is going on. */
export async function openRawLatency(service: string, { scale }: BenchContext): Promise<OpenVariant> {
  const child = await forkRaw(service);
  const images = imagesFor(service, scale);
  return {
    async measure() {
      const latencies: number[] = [];
      for (const bytes of images) latencies.push((await askRaw(child, { images: [bytes], times: 1 })).seconds * 1000);
      return { value: quantile(latencies, 0.5), also: { p99_ms: quantile(latencies, 0.99) } };
    },
    async close() {
      await endRaw(child);
    },
  };
}
