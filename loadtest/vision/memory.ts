/** What memory 10,000 images leave behind. */
import sharp from 'sharp';
import type { BenchContext, OpenVariant } from '../suite.ts';
import { Pipeline } from './pipeline.ts';
import { residentMebibytes } from './processes.ts';

/** Ten thousand small images, and how much more memory is held after them than after the first tenth. */
export async function openMemory({ folder, scale }: BenchContext): Promise<OpenVariant> {
  const pipeline = await Pipeline.open(folder, 'barcode');
  const image = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#fff' } })
    .png()
    .toBuffer();
  const total = Math.max(100, Math.round(10_000 * scale));
  const run = async (count: number) => {
    for (let left = count; left > 0; left -= 100)
      await Promise.all(Array.from({ length: Math.min(left, 100) }, (_, n) => pipeline.submit(image, `t${n % 8}`)));
  };
  return {
    async measure() {
      await run(total / 10);
      const before = residentMebibytes();
      await run(total - total / 10);
      const after = residentMebibytes();
      return {
        value: after.worker + after.inference - before.worker - before.inference,
        also: {
          worker_before_mib: before.worker,
          worker_after_mib: after.worker,
          inference_before_mib: before.inference,
          inference_after_mib: after.inference,
        },
      };
    },
    close: pipeline.close,
  };
}
